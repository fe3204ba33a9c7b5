import type { Preset, PresetLike } from "../init/presets.ts";
import { preset, presetInitializer, presetScheme } from "../init/presets.ts";
import type { Initializer, ParamSpec } from "../init/types.ts";

/** A preset and what it must not overrule, so that a saved network is drawn again as it was. */
export interface AppliedPreset extends Preset {
  /** Names of the parameters whose initializers the user gave; undefined until the network has been traced. */
  readonly asked?: readonly string[];
}

/** What a preset sees of a parameter. */
interface PresetParam {
  readonly name: string;
  readonly spec: ParamSpec;
  readonly initializer: Initializer;
  readonly isAsked: boolean;
}

/** Checks a preset that was given, or read from a file. */
export function appliedPreset(like: PresetLike | AppliedPreset): AppliedPreset {
  const asked = typeof like === "string" ? undefined : (like as AppliedPreset).asked;
  return { ...preset(like), ...(asked === undefined ? {} : { asked }) };
}

/**
 * The library's default for every parameter that was given no initializer, and what the library makes of those that were given,
 * in the order of `params`.
 */
export function applyPreset(
  of: AppliedPreset,
  params: readonly PresetParam[],
): { readonly preset: AppliedPreset; readonly initializers: readonly Initializer[] } {
  const asked = of.asked ?? params.filter(({ isAsked }) => isAsked).map(({ name }) => name);
  const names = new Set(asked);
  return {
    preset: { ...of, asked },
    initializers: params.map(({ name, spec, initializer }) =>
      names.has(name) ? presetScheme(of, initializer, spec) : presetInitializer(of, spec),
    ),
  };
}
