import type { Param } from "../graph/param-store.ts";
import type { Role } from "../init/types.ts";

/** Parameters that learn at a rate of their own. */
export interface ParameterGroup {
  /** Names, or what they match: `/^stem/`, `["dense/kernel", "dense/bias"]`. */
  readonly match: RegExp | readonly string[];
  /** Multiplies the learning rate; 0 freezes: neither gradient, moments nor weight decay move the values. */
  readonly learningRateScale: number;
}

/** Neighbours in the parameter block that learn at one rate: one optimiser instruction. */
export interface Run {
  /** In floats from the start of the block. */
  readonly offset: number;
  readonly size: number;
  readonly scale: number;
  /** Whether weight decay acts on them. */
  readonly decays: boolean;
}

/**
 * The groups with their names spelt out; a parameter belongs to the first that matches it.
 *
 * Throws a `RangeError` for a rate that is negative or not finite, a name that is no parameter's, and a group that matches nothing.
 */
export function resolveGroups(
  groups: readonly ParameterGroup[],
  params: readonly Pick<Param, "name">[],
): readonly { readonly match: readonly string[]; readonly learningRateScale: number }[] {
  const names = params.map(({ name }) => name);
  const taken = new Set<string>();
  return groups.map(({ match, learningRateScale }) => {
    if (!(learningRateScale >= 0 && Number.isFinite(learningRateScale))) {
      throw new RangeError(
        `groups: learningRateScale must be finite and not negative, got ${learningRateScale}`,
      );
    }
    const isList = Array.isArray(match);
    const unknown = isList ? match.find((name) => !names.includes(name)) : undefined;
    const matched = names.filter((name) =>
      isList ? match.includes(name) : name.search(match as RegExp) >= 0,
    );
    if (unknown !== undefined || matched.length === 0) {
      throw new RangeError(
        `groups: ${unknown === undefined ? match : `"${unknown}"`} matches none of ${names.join(", ")}`,
      );
    }
    const own = matched.filter((name) => !taken.has(name));
    for (const name of own) taken.add(name);
    return { match: own, learningRateScale };
  });
}

/**
 * The parameter block, `floats` long, cut where the rate changes, and without `decayBiases` where weight decay begins or ends; frozen parts
 * are left out.
 */
export function runsOf(
  params: readonly Param[],
  groups: readonly ParameterGroup[],
  floats: number,
  decayBiases = true,
): readonly Run[] {
  const scales = new Map(
    groups.flatMap(({ match, learningRateScale }) =>
      Array.isArray(match) ? match.map((name: string) => [name, learningRateScale] as const) : [],
    ),
  );
  const runs: Run[] = [];
  params.forEach(({ name, offset, spec }, i) => {
    const scale = scales.get(name) ?? 1;
    const size = (params[i + 1]?.offset ?? floats) - offset;
    const last = runs.at(-1);
    const decays = decayBiases || DECAYING.has(spec.role);
    if (last?.scale === scale && last.decays === decays) {
      runs[runs.length - 1] = { ...last, size: last.size + size };
    } else runs.push({ offset, size, scale, decays });
  });
  return runs.filter(({ scale }) => scale !== 0);
}

/** What multiplies signals: shrinking a bias or a norm's gain makes no function simpler. */
const DECAYING: ReadonlySet<Role> = new Set<Role>(["kernel", "recurrent", "embedding"]);
