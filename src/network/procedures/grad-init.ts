import type { Network } from "../network.ts";
import { guarded } from "./guard.ts";
import type { Batch, LayerReport } from "./layers.ts";
import { count, lossOf, norm, positive } from "./layers.ts";

export interface FirstStepOptions {
  /** The step that training would take first: `sgd` goes along g, `adam` along sgn(g). Default: as the network's optimiser. */
  readonly rule?: "sgd" | "adam";
  /** Default: the network's learning rate. */
  readonly learningRate?: number;
}

export interface GradInitOptions extends FirstStepOptions {
  /** Greatest norm of the gradient: of g in L2 for `sgd`, in L1 for `adam`. Default 1. */
  readonly gamma?: number;
  /** Default 100. */
  readonly iterations?: number;
  /** Adam's rate on the logarithms of the scales. Default 0.03. */
  readonly scaleRate?: number;
  /** Least scale of a tensor. Default 0.01. */
  readonly minimum?: number;
}

/** Half the difference in log scale over which slopes are measured. */
const STEP = 1e-2;

/** The batch's mean loss after one step of the rule; the weights are left as they were. */
export function firstStepLoss(
  network: Network,
  batch: Batch,
  options: FirstStepOptions = {},
): number {
  const rule = ruleOf(network, options);
  return guarded("firstStepLoss", network, batch, { variation: false, targets: true }, () =>
    measure(network, batch, rule),
  ).loss;
}

/**
 * Learns one positive factor a tensor so that the loss after the first step, `L(w - lr A[g])`, is least while `|g| <= gamma`; as long as
 * the gradient is longer, its norm is what falls (Zhu et al. 2021, GradInit, arXiv:2102.08098, algorithm 1). Slopes are central
 * differences in the logarithm of each factor, followed by Adam: 4 passes a tensor and iteration. The best factors met are
 * kept, those the network came with among them. Tensors of zeros have no scale.
 *
 * Reports the norm of each tensor, under the tensor's name.
 */
export function gradInit(
  network: Network,
  batch: Batch,
  options: GradInitOptions = {},
): readonly LayerReport[] {
  const gamma = positive("gradInit: gamma", options.gamma ?? 1);
  const iterations = count("gradInit: iterations", options.iterations ?? 100);
  const scaleRate = positive("gradInit: scaleRate", options.scaleRate ?? 0.03);
  const least = Math.log(positive("gradInit: minimum", options.minimum ?? 0.01));
  const rule = ruleOf(network, options);
  return guarded("gradInit", network, batch, { variation: false, targets: true }, () =>
    learnScales(network, batch, rule, { gamma, iterations, scaleRate, least }),
  );
}

function learnScales(
  network: Network,
  batch: Batch,
  rule: Rule,
  {
    gamma,
    iterations,
    scaleRate,
    least,
  }: {
    readonly gamma: number;
    readonly iterations: number;
    readonly scaleRate: number;
    readonly least: number;
  },
): readonly LayerReport[] {
  const names = network.parameters
    .map(({ name }) => name)
    .filter((name) => norm(network.weights(name)) > 0);
  const first = names.map((name) => network.weights(name));
  const apply = (logs: readonly number[]) => {
    names.forEach((name, k) => {
      const factor = Math.exp(logs[k]!);
      network.setWeights(
        name,
        first[k]!.map((w) => w * factor),
      );
    });
    return measure(network, batch, rule);
  };
  let logs = names.map(() => 0);
  const moments = names.map(() => ({ m: 0, v: 0 }));
  let here = apply(logs);
  let best = { ...here, logs };
  for (let t = 1; t <= iterations; t++) {
    const objective = ({ loss, norm: length }: Measured) => (here.norm > gamma ? length : loss);
    const slopes = logs.map((_, k) => {
      const shifted = (by: number) => apply(logs.map((log, j) => (j === k ? log + by : log)));
      const slope = (objective(shifted(STEP)) - objective(shifted(-STEP))) / (2 * STEP);
      return Number.isFinite(slope) ? slope : 1; // too large to measure: shrink
    });
    logs = logs.map((log, k) => {
      const moment = moments[k]!;
      moment.m = 0.9 * moment.m + 0.1 * slopes[k]!;
      moment.v = 0.999 * moment.v + 0.001 * slopes[k]! ** 2;
      const step = moment.m / (1 - 0.9 ** t) / (Math.sqrt(moment.v / (1 - 0.999 ** t)) + 1e-12);
      return Math.max(least, log - scaleRate * step);
    });
    here = apply(logs);
    if (isBetter(here, best, gamma)) best = { ...here, logs };
  }
  apply(best.logs);
  return names.map((name, k) => {
    const after = norm(network.weights(name));
    return { layer: name, before: norm(first[k]!), after, iterations };
  });
}

interface Rule {
  readonly isSign: boolean;
  readonly learningRate: number;
}

interface Measured {
  readonly loss: number;
  readonly norm: number;
}

function ruleOf(network: Network, { rule, learningRate }: FirstStepOptions): Rule {
  const { kind } = network.recipe.optimizer;
  const isSign = (rule ?? (/^(adam|rmsprop)/.test(kind) ? "adam" : "sgd")) === "adam";
  return { isSign, learningRate: learningRate ?? network.learningRate };
}

/** Within the bound the smaller loss wins, outside it the shorter gradient; within beats outside. */
function isBetter(a: Measured, b: Measured, gamma: number): boolean {
  const [aFits, bFits] = [a.norm <= gamma, b.norm <= gamma];
  if (aFits !== bFits) return aFits;
  return aFits ? a.loss < b.loss : a.norm < b.norm;
}

function measure(network: Network, batch: Batch, { isSign, learningRate }: Rule): Measured {
  if (lossOf(network, batch) === Infinity) return { loss: Infinity, norm: Infinity };
  network.probe(batch.inputs, batch.targets);
  const names = network.parameters.map(({ name }) => name);
  const start = names.map((name) => network.weights(name));
  const g = names.map((name) => network.gradient(name));
  names.forEach((name, k) => {
    const direction = isSign ? g[k]!.map(Math.sign) : g[k]!;
    network.setWeights(
      name,
      start[k]!.map((w, i) => w - learningRate * direction[i]!),
    );
  });
  const loss = lossOf(network, batch);
  names.forEach((name, k) => {
    network.setWeights(name, start[k]!);
  });
  const length = isSign
    ? g.reduce((sum, tensor) => sum + tensor.reduce((s, x) => s + Math.abs(x), 0), 0)
    : Math.hypot(...g.map(norm));
  return { loss, norm: length };
}
