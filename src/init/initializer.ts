import { nearest } from "../core/nearest.ts";
import type { Draw, Theory } from "./draw.ts";
import { scaledDraw, theoryOf } from "./draw.ts";
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
 * Throws a `RangeError` that names the nearest one when there is none of that name, or lists a scheme's options when it has no such one.
 */
export function initializer(like: InitializerLike, options: Options = {}): Initializer {
  if (typeof like !== "string") {
    const same = initializer(like.scheme, { ...like.options, ...options });
    return like.factor === undefined ? same : scaled(same, like.factor);
  }
  const [text = "", factor] = like.split("*");
  if (factor !== undefined) return scaled(initializer(text.trim(), options), Number(factor));
  const [name = "", ...rest] = text.split(":");
  const scheme = schemeOf(name);
  const given = { ...parseOptions(rest.join(":"), scheme.name), ...options };
  checkOptions("initializer", scheme, given);
  return { scheme: scheme.name, options: given };
}

/** The same draw with every value multiplied by `factor`. */
export function scaled(description: Initializer, factor: number): Initializer {
  if (!(factor >= 0 && Number.isFinite(factor))) {
    throw new RangeError(
      `initializer: expected a factor that is finite and not negative, got ${factor}`,
    );
  }
  return { ...description, factor: factor * (description.factor ?? 1) };
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
export function resolve({ scheme: name, options, factor }: Initializer, spec: ParamSpec): Resolved {
  const scheme = schemeOf(name);
  const unscaled = inNameOf(scheme.name, () =>
    scheme.draw({ ...scheme.defaults, ...options }, spec),
  );
  const draw = factor === undefined ? unscaled : scaledDraw(unscaled, factor);
  return { scheme, draw, theory: theoryOf(draw, spec) };
}

/** The scheme of any known spelling. */
export function schemeOf(name: string): Scheme {
  const scheme = BY_NAME.get(canonical(name));
  if (scheme !== undefined) return scheme;
  const names = SCHEMES.map((s) => s.name);
  const begun = names.find((known) => known.startsWith(`${canonical(name)}_`));
  const near = nearest(name, [...BY_NAME.keys()]) ?? begun;
  throw new RangeError(
    `initializer: no scheme is called "${name.slice(0, 60)}"; ` +
      (near === undefined ? "" : `did you mean "${near}"? `) +
      `"headstart init list" and SCHEMES have all ${names.length}, under their PyTorch, Keras and JAX spellings too`,
  );
}

/** `heNormal`, `HeNormal`, `he-normal`, `he_normal_` are one name. */
export function canonical(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase()
    .replace(/_+$/, "");
}

const BY_NAME: ReadonlyMap<string, Scheme> = new Map(
  SCHEMES.flatMap((scheme) => [scheme.name, ...scheme.aliases].map((name) => [name, scheme])),
);

export function parseOptions(text: string, name: string, where = "initializer"): Options {
  if (text === "") return {};
  return Object.fromEntries(
    text.split(/[,;]/).map((pair) => {
      const [key = "", value, ...extra] = pair.split("=");
      if (value === undefined || value === "" || extra.length > 0) {
        throw new RangeError(`${where}: expected ${name}:option=value, got "${pair}"`);
      }
      const parsed = Number(value);
      return [key.trim(), Number.isNaN(parsed) ? value.trim() : parsed];
    }),
  );
}
