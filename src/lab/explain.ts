import { activationSpec } from "../ops/activation.ts";
import type { Chance } from "./chance.ts";
import { hasLearnt } from "./chance.ts";
import type { CompareConfig, Run, SchemeResult, Signal, Trial } from "./types.ts";

/** What was measured of a scheme. */
export interface Findings extends Omit<SchemeResult, "explanation" | "complete"> {
  /** All units of each hidden layer gave the same before training, and after it. */
  readonly unitsAreEqual: boolean;
  readonly unitsStayEqual: boolean;
  /** Training left a hidden layer that gives 0 for every row. */
  readonly died: boolean;
}

export interface ExplainContext {
  readonly config: CompareConfig;
  readonly chance: Chance;
}

/** One sentence: what the signal does at initialisation, then what became of training. */
export function explain(findings: Findings, context: ExplainContext): string {
  const { config } = context;
  const start = config.depth < 2 ? undefined : describeStart(findings, config);
  const end = describeEnd(findings, context);
  return `${findings.scheme}: ${start === undefined ? end : `${start}; ${end}`}`;
}

/** The signal in the hidden layers, from the first to the last of them. */
function describeStart(findings: Findings, config: CompareConfig): string {
  const layers = findings.forward.length - 1;
  const forward = findings.forward.slice(0, layers);
  const gradient = findings.gradient.slice(0, layers);
  const hasNoGradient = gradient.every((moment) => moment === 0);
  if (hasNoGradient && forward.every((moment) => moment === 0)) {
    return "every hidden unit gives 0 and no hidden weight has a gradient, so only the output bias moves";
  }
  const parts = [describeSignal(forward, activationSpec(config.activation).name)];
  if (findings.unitsAreEqual && config.width > 1) {
    parts.unshift(`all units of a layer are equal${findings.unitsStayEqual ? " and stay so" : ""}`);
  }
  const back = growth([...gradient].reverse());
  if (hasNoGradient) parts.push("no hidden weight has a gradient at first");
  else if (keepsSize(growth(forward)) && back !== undefined && (back < 0.8 || back > 1.25)) {
    parts.push(
      `the gradient ${back < 1 ? "shrinks" : "grows"} ${times(back)} a layer on its way back`,
    );
  }
  return parts.join(", ");
}

function describeSignal(forward: Signal, activation: string): string {
  const layers = `${forward.length} ${activation} layer${forward.length === 1 ? "" : "s"}`;
  const firstZero = forward.indexOf(0);
  const firstInfinite = forward.indexOf(null);
  const ratio = growth(forward);
  if (ratio === undefined) {
    if (firstZero === 0) return `the signal is 0 in all ${layers}`;
    if (firstInfinite === 0) return "the signal overflows in the first layer";
    return `the signal has size ${short(forward[0]!)} in the first of ${layers}`;
  }
  const per = `(${times(ratio)} a layer, ${layers})`;
  const last = forward.findLast((moment) => moment !== null && moment !== 0)!;
  if (firstInfinite >= 0)
    return `the signal grows ${per} until it overflows in layer ${firstInfinite + 1}`;
  if (firstZero >= 0) return `the signal shrinks ${per} and is 0 from layer ${firstZero + 1} on`;
  if (keepsSize(ratio)) return `the signal keeps its size ${per}`;
  if (isNear(ratio, 0.5)) return `the signal halves from layer to layer ${per}`;
  if (isNear(ratio, 2)) return `the signal doubles from layer to layer ${per}`;
  return `the signal ${ratio < 1 ? "shrinks" : "grows"} to ${short(last)} ${per}`;
}

/** Geometric mean of the ratios of neighbours, up to the first that is 0 or not finite; undefined when there is no ratio. */
export function growth(moments: Signal): number | undefined {
  const end = moments.findIndex((moment) => moment === null || moment === 0);
  const usable = end < 0 ? moments : moments.slice(0, end);
  if (usable.length < 2) return undefined;
  // A difference of logarithms: the ratio itself may overflow.
  const change = Math.log(usable.at(-1)!) - Math.log(usable[0]!);
  return Math.exp(change / (usable.length - 1));
}

function describeEnd(findings: Findings, { config, chance }: ExplainContext): string {
  const { trials, runs, learningRate, state, trainLoss, trainAccuracy } = findings;
  const at = `at rate ${formatRate(learningRate)}`;
  const accuracy = trainAccuracy.toFixed(2);
  if (hasLearnt(findings, chance)) {
    const good = runs.filter((run) => hasLearnt(run, chance)).length;
    const share = good === runs.length ? "" : ` (${good} of ${runs.length} seeds)`;
    const loss =
      state === "diverged"
        ? `, but the loss is ${trainLoss === null ? "not finite" : short(trainLoss)}`
        : "";
    return `trained to ${accuracy} in ${config.steps} steps ${at}${share}${loss}`;
  }
  if (trials.every((trial) => trial.state === "diverged")) {
    return `diverged ${rangeOf(trials, "every")}${describeDivergence(runs)}`;
  }
  const diverged = trials.filter((trial) => trial.state === "diverged").length;
  const share = diverged === 0 ? "" : ` (${diverged} of ${trials.length} diverged)`;
  const rates = `${rangeOf(trials, "any")}${share}`;
  if (trials.some((trial) => trial.state === "completed")) {
    const loss = trainLoss === null ? "" : `, loss ${trainLoss.toPrecision(3)}`;
    return `no better than ${accuracy}${loss} ${rates}`;
  }
  const isAtChance = trainLoss !== null && trainLoss < 1.02 * chance.loss;
  const where = formatChance(chance);
  const stall = isAtChance ? `the loss never left ${where}` : `the loss stayed above ${where}`;
  return `${findings.died ? "training leaves a layer dead, " : ""}${stall} ${rates}`;
}

function rangeOf(trials: readonly Trial[], quantifier: "any" | "every"): string {
  const first = formatRate(trials[0]!.learningRate);
  if (trials.length === 1) return `at rate ${first}`;
  return `at ${quantifier} rate from ${first} to ${formatRate(trials.at(-1)!.learningRate)}`;
}

function describeDivergence(runs: readonly Run[]): string {
  const { divergence, trainLoss } = runs[0]!;
  if (divergence !== null) {
    const { layer, tensor, step } = divergence;
    return ` (first not finite: ${tensor} of ${layer}, step ${step})`;
  }
  return trainLoss === null ? "" : ` (loss ${short(trainLoss)} in the end)`;
}

/** `ln 10` when the classes are balanced; else the entropy of the labels. */
function formatChance({ loss, classes }: Chance): string {
  return isNear(loss, Math.log(classes), 0.01) ? `ln ${classes}` : `chance (${loss.toFixed(3)})`;
}

/** 0.003 down to 0.0001, then 1e-5. */
export function formatRate(rate: number): string {
  return rate < 1e-4 ? rate.toExponential() : String(rate);
}

/** Within 10 % a layer: products of 64 x 64 random matrices stray by that much. */
function keepsSize(ratio: number | undefined): boolean {
  return ratio !== undefined && ratio > 0.9 && ratio < 1.1;
}

function isNear(a: number, b: number, tolerance = 0.05): boolean {
  return Math.abs(a / b - 1) <= tolerance;
}

/** `x0.50`, `x32`, `x0.0032` */
function times(ratio: number): string {
  if (ratio >= 10) return `x${short(ratio)}`;
  return ratio >= 0.1 ? `x${ratio.toFixed(2)}` : `x${short(ratio)}`;
}

/** Two digits: 0.0032, 32, 1.2e+45. */
function short(x: number): string {
  return x !== 0 && (Math.abs(x) < 1e-3 || Math.abs(x) >= 1e4)
    ? x.toExponential(0)
    : String(Number(x.toPrecision(2)));
}
