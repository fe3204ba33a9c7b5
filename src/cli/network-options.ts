import { didYouMean } from "../core/nearest.ts";
import type { ActivationLike } from "../index.ts";
import { ACTIVATIONS } from "../index.ts";
import { describeInitializer, initializer, isPresetName } from "../init/index.ts";
import { UsageError } from "./exit.ts";
import type { Parser } from "./options.ts";
import { parseNumber, refuse } from "./options.ts";

/** A name with, for those that have one, its parameter: `relu`, `leaky_relu:0.2`. */
export function activationOption(flag: string): Parser<ActivationLike> {
  return (text) => {
    const [word = "", parameter, ...rest] = text.split(":");
    const name = ACTIVATIONS.find((known) => known === word);
    if (name === undefined || rest.length > 0) {
      const near = didYouMean(word, ACTIVATIONS);
      return refuse(flag, `one of ${ACTIVATIONS.join(", ")}`, text, near);
    }
    if (parameter === undefined) return name;
    if (name !== "leaky_relu" && name !== "elu") {
      return refuse(flag, `${name} without a parameter (leaky_relu and elu take one)`, text);
    }
    const alpha = parseNumber(flag, parameter.replace(/^alpha=/, ""), `a number after "${name}:"`);
    return { name, alpha };
  };
}

/** A scheme's canonical text, from any spelling the library knows. */
export function scheme(flag: string): Parser<string> {
  return (text) => {
    try {
      return describeInitializer(initializer(text.trim()));
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      throw new UsageError(`${flag}: ${error.message}`, { cause: error });
    }
  };
}

/** A scheme, or the name of a library whose defaults to take. */
export function schemeOrLibrary(flag: string): Parser<string> {
  return (text) => (isPresetName(text.trim()) ? text.trim() : scheme(flag)(text));
}

/**
 * Schemes, and libraries for their defaults, separated by commas, each once. A scheme's own options follow a colon; a comma between two
 * of them is told from one between schemes by its "=": `he_normal,truncated_normal:std=0.1,low=-1`.
 */
export function schemes(flag: string): Parser<readonly string[]> {
  return (text) => {
    const texts: string[] = [];
    for (const part of text.split(",")) {
      const isOption = part.includes("=") && !part.includes(":") && texts.length > 0;
      if (isOption) texts.push(`${texts.pop()},${part}`);
      else texts.push(part);
    }
    return [...new Set(texts.map(schemeOrLibrary(flag)))];
  };
}
