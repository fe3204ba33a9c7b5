import { didYouMean, nearest } from "../core/nearest.ts";
import { canonical } from "./canonical.ts";
import type { Draw, Theory } from "./draw.ts";
import { scaledDraw, theoryOf } from "./draw.ts";
import { otherThanScheme } from "./other-names.ts";
import { checkFactor, scaled, shown } from "./scaled.ts";
import { checkApplies } from "./schemes/applies.ts";
import { SCHEMES } from "./schemes/index.ts";
import type { Options, Scheme } from "./schemes/scheme.ts";
import { inNameOf } from "./schemes/scheme.ts";
import type { Initializer, ParamSpec } from "./types.ts";

/** What a layer accepts as an initializer: a description, or its text (`"he_normal"`, `"orthogonal:gain=1"`). */
export type InitializerLike = Initializer | string;

/**
 * The description of a scheme by any spelling users know: `he_normal`, `heNormal`, `kaiming_normal`, `kaiming_normal_`.
 *
 * Options are those of the scheme; text may carry them: `"normal:std=0.02"`.
 * Throws a `RangeError` that names the nearest one when there is none of that name, or lists a scheme's options when it has no such
 * one, and a `TypeError` for what is no description.
 */
export function initializer(like: InitializerLike, options: Options = {}): Initializer {
  checkPlain("options", options);
  if (typeof like !== "string") {
    const { scheme, options: own = {}, factor } = descriptionOf(like);
    const same = initializer(scheme, { ...own, ...options });
    return factor === undefined ? same : scaled(same, factor);
  }
  const [text = "", ...factors] = like.split("*");
  if (factors.length > 0) {
    const factor = factors[0]?.trim() ?? "";
    if (factors.length > 1 || factor === "" || Number.isNaN(Number(factor))) {
      throw new RangeError(`initializer: expected "scheme * factor", one number, got "${like}"`);
    }
    return scaled(initializer(text.trim(), options), Number(factor));
  }
  const [name = "", ...rest] = text.split(":");
  const scheme = schemeOf(name);
  const written = rest.length === 0 ? {} : parseOptions(rest.join(":"), scheme.name);
  const given = spellInfinities({ ...written, ...options });
  checkOptions("initializer", scheme, given);
  return { scheme: scheme.name, options: given };
}

const WANTED = `expected the name of a scheme, "he_normal", or { scheme: "he_normal", options: {} }`;

const KEYS = ["scheme", "options", "factor"];

/** Throws unless it is a description with nothing else in it. */
function descriptionOf(like: Initializer): Partial<Initializer> & Pick<Initializer, "scheme"> {
  if (typeof like !== "object" || like === null || typeof like.scheme !== "string") {
    throw new TypeError(`initializer: ${WANTED}, got ${shown(like)}`);
  }
  const unknown = Object.keys(like).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    throw new RangeError(
      `initializer: a description has ${KEYS.join(", ")}, got "${unknown}"${didYouMean(unknown, KEYS)}`,
    );
  }
  if (like.options !== undefined) checkPlain("options", like.options);
  return like;
}

function checkPlain(what: string, options: unknown): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`initializer: expected ${what} { name: value }, got ${shown(options)}`);
  }
}

/** Infinite numbers as the words `inf` and `-inf`: a description goes into JSON, which has no such numbers. */
function spellInfinities(options: Options): Options {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key,
      value === Infinity ? "inf" : value === -Infinity ? "-inf" : value,
    ]),
  );
}

/** Throws a `RangeError` unless every option is one of the defaults' names. */
export function checkOptions(
  where: string,
  { name, defaults }: Pick<Scheme, "name" | "defaults">,
  given: Options,
): void {
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(defaults, key)) {
      const known = Object.keys(defaults);
      throw new RangeError(
        `${where}: ${name} has no option "${key}"; ` +
          (known.length > 0 ? `it has ${known.join(", ")}` : "it has none"),
      );
    }
  }
}

/** The text from which `initializer` makes the same description. */
export function describeInitializer({ scheme, options, factor }: Initializer): string {
  const text = describeOptions(scheme, options);
  return factor === undefined ? text : `${text} * ${factor}`;
}

/** The text for people: numbers in six significant digits. */
export function describeRounded({ scheme, options, factor }: Initializer): string {
  const rounded = (x: number) => Number(x.toPrecision(6));
  return describeInitializer({
    scheme,
    options: Object.fromEntries(
      Object.entries(options).map(([key, x]) => [key, typeof x === "number" ? rounded(x) : x]),
    ),
    ...(factor === undefined ? {} : { factor: rounded(factor) }),
  });
}

/** `name:option=value,option=value` */
export function describeOptions(name: string, options: Options): string {
  const text = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  return text.length === 0 ? name : `${name}:${text.join(",")}`;
}

/** An initializer seen for one parameter: what it draws, what that has in theory, and where it comes from. */
export interface Resolved {
  readonly scheme: Scheme;
  readonly draw: Draw;
  readonly theory: Theory;
}

/** Throws a `RangeError` that names the scheme when an option or the parameter does not suit it. */
export function resolve(description: Initializer, spec: ParamSpec): Resolved {
  const { scheme: name, options = {}, factor } = descriptionOf(description);
  const scheme = schemeOf(name);
  checkOptions("resolve", scheme, options);
  if (factor !== undefined) checkFactor(factor);
  const unscaled = inNameOf(scheme.name, () => {
    checkApplies(scheme.applies, spec);
    return scheme.draw({ ...scheme.defaults, ...spellInfinities(options) }, spec);
  });
  const draw = factor === undefined ? unscaled : scaledDraw(unscaled, factor);
  const theory = theoryOf(draw, spec);
  checkRange(scheme.name, theory);
  return { scheme, draw, theory };
}

/** Normal draws lie within 6.67 deviations of their mean. */
const REACH = 7;

/** Throws unless a 32-bit float holds whatever may be drawn. */
function checkRange(name: string, { mean, std, low, high }: Theory): void {
  const reach = Math.abs(mean) + REACH * std;
  const most = Math.min(reach, Math.max(Math.abs(low), Math.abs(high)));
  // The kernels take differences of bounds too.
  const widest = std === 0 ? most : 2 * most;
  if (!Number.isFinite(Math.fround(widest)) || Number.isNaN(mean) || Number.isNaN(std)) {
    throw new RangeError(
      `${name}: expected values that a 32-bit float holds, got mean ${mean} and standard deviation ${std}`,
    );
  }
}

/** The scheme of any known spelling. */
export function schemeOf(name: string): Scheme {
  const key = canonical(name);
  const scheme = BY_NAME.get(key) ?? BY_LETTERS.get(lettersOf(key));
  if (scheme !== undefined) return scheme;
  const other = otherThanScheme(key);
  if (other !== undefined) throw new RangeError(`initializer: ${other}`);
  const names = SCHEMES.map((s) => s.name);
  const begun = names.find((known) => known.startsWith(`${key}_`));
  const near = nearest(name, [...names, ...SCHEMES.flatMap(({ aliases }) => aliases)]) ?? begun;
  throw new RangeError(
    `initializer: no scheme is called "${name.slice(0, 60)}"; ` +
      (near === undefined ? "" : `did you mean "${near}"? `) +
      `"headstart init list" and SCHEMES have all ${names.length}, under their PyTorch, Keras and JAX spellings too`,
  );
}

const BY_NAME: ReadonlyMap<string, Scheme> = new Map(
  SCHEMES.flatMap((scheme) =>
    [scheme.name, ...scheme.aliases].map((name) => [canonical(name), scheme]),
  ),
);

/** Names without what parts their words, for spellings that part them elsewhere: `muP`, `ConvolutionOrthogonal2d`. */
const BY_LETTERS: ReadonlyMap<string, Scheme> = new Map(
  // The first of two would win: `zero` is zeros, while only `ZerO` is zero_hadamard.
  [...BY_NAME].reverse().map(([name, scheme]) => [lettersOf(name), scheme]),
);

function lettersOf(name: string): string {
  return name.replaceAll("_", "");
}

export function parseOptions(text: string, name: string, where = "initializer"): Options {
  const options: Record<string, number | string> = {};
  for (const pair of text.split(/[,;]/)) {
    const [left = "", right = "", ...extra] = pair.split("=");
    const [key, value] = [left.trim(), right.trim()];
    if (key === "" || value === "" || extra.length > 0) {
      throw new RangeError(`${where}: expected ${name}:option=value, got "${pair}"`);
    }
    if (Object.hasOwn(options, key)) {
      throw new RangeError(`${where}: ${name} is given "${key}" twice, in "${text}"`);
    }
    const parsed = Number(value);
    options[key] = Number.isNaN(parsed) ? value : parsed;
  }
  return options;
}
