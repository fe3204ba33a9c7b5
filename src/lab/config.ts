import { describeInitializer, initializer, resolve } from "../init/initializer.ts";
import { isPresetName } from "../init/presets.ts";
import { denseSpec } from "../init/specs.ts";
import { checkCount } from "../layers/layer.ts";
import { activationSpec } from "../ops/activation.ts";
import { OPTIMIZERS } from "./network.ts";
import type { CompareConfig, CompareData } from "./types.ts";

/** Checks a comparison before any work, and writes its schemes in their canonical text. Throws a `RangeError` or `TypeError`. */
export function checkConfig(config: CompareConfig, { train, test }: CompareData): CompareConfig {
  const { learningRate, optimizer, seeds, schemes } = config;
  for (const key of ["depth", "width", "steps", "batchSize"] as const) {
    checkCount(`compare: ${key}`, config[key]);
  }
  if (!Object.hasOwn(OPTIMIZERS, optimizer)) {
    const known = Object.keys(OPTIMIZERS).join(", ");
    throw new RangeError(`compare: there is no optimizer "${optimizer}"; there are ${known}`);
  }
  const isRate =
    learningRate === "auto" ||
    (typeof learningRate === "number" && learningRate > 0 && Number.isFinite(learningRate));
  if (!isRate) {
    throw new RangeError(
      `compare: learningRate must be "auto" or a positive number, got ${learningRate}`,
    );
  }
  if (seeds.length === 0 || !seeds.every(Number.isSafeInteger)) {
    throw new RangeError(`compare: seeds must be one whole number or more, got [${seeds}]`);
  }
  const seedAgain = seeds.find((seed, i) => seeds.indexOf(seed) < i);
  if (seedAgain !== undefined) throw new RangeError(`compare: seed ${seedAgain} is given twice`);
  checkData(train, test);
  return { ...config, schemes: checkSchemes(schemes, config, train) };
}

function checkData(train: CompareData["train"], test: CompareData["test"]): void {
  for (const { name, classes, targets } of [train, test]) {
    if (classes < 2 || !(targets instanceof Int32Array)) {
      throw new TypeError(
        `compare: expected data with at least 2 classes, but ${name} has ${classes}`,
      );
    }
  }
  if (`${train.shape}` !== `${test.shape}` || train.classes !== test.classes) {
    throw new RangeError(
      `compare: the train and test parts differ: examples of [${train.shape}] in ${train.classes} classes, ` +
        `and of [${test.shape}] in ${test.classes}`,
    );
  }
}

/** Every initializer is tried on the shapes of the network: a wrong option is refused here, not after minutes. */
function checkSchemes(
  schemes: readonly string[],
  { activation, depth, width }: CompareConfig,
  train: CompareData["train"],
): readonly string[] {
  if (schemes.length === 0) throw new RangeError("compare: expected at least one scheme, got none");
  const inputs = train.shape.reduce((size, axis) => size * axis, 1);
  const spec = (fanIn: number, fanOut: number, f: CompareConfig["activation"]) =>
    denseSpec(fanIn, fanOut, activationSpec(f));
  const last = spec(depth > 1 ? width : inputs, train.classes, "linear");
  const specs = depth > 1 ? [spec(inputs, width, activation), last] : [last];
  const texts = schemes.map((text) => {
    if (isPresetName(text)) return text;
    const described = initializer(text);
    for (const each of specs) resolve(described, each);
    return describeInitializer(described);
  });
  texts.forEach((text, i) => {
    const first = texts.indexOf(text);
    if (first < i) {
      throw new RangeError(
        `compare: "${schemes[first]}" and "${schemes[i]}" are the same scheme, ${text}`,
      );
    }
  });
  return texts;
}
