import { expect } from "vitest";
import { DataError } from "../../src/data/errors.ts";
import type { IdxType } from "../../src/data/idx.ts";

/** Runs that a property gets; FC_RUNS raises it. */
export const RUNS: number = Number(process.env.FC_RUNS ?? 1000);

/** The message of the `DataError` that `action` must throw. */
export function dataErrorOf(action: () => unknown): DataError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return error as DataError;
  }
  throw new Error("expected a DataError, but nothing was thrown");
}

export async function dataErrorFrom(promise: Promise<unknown>): Promise<DataError> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(DataError);
  return error as DataError;
}

/** Runs `action`; a `DataError` is an answer too, anything else thrown is not. */
export function withDataErrors<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}

export const IDX_CODES: Record<IdxType, { code: number; size: number }> = {
  u8: { code: 0x08, size: 1 },
  i8: { code: 0x09, size: 1 },
  i16: { code: 0x0b, size: 2 },
  i32: { code: 0x0c, size: 4 },
  f32: { code: 0x0d, size: 4 },
  f64: { code: 0x0e, size: 8 },
};

/** An IDX file, as http://yann.lecun.com/exdb/mnist/ describes it. */
export function writeIdx(
  type: IdxType,
  dims: readonly number[],
  values: ArrayLike<number>,
): Uint8Array {
  const { code, size } = IDX_CODES[type];
  const bytes = new Uint8Array(4 + 4 * dims.length + values.length * size);
  const view = new DataView(bytes.buffer);
  bytes.set([0, 0, code, dims.length]);
  dims.forEach((dim, axis) => {
    view.setUint32(4 + 4 * axis, dim);
  });
  const write = {
    u8: view.setUint8,
    i8: view.setInt8,
    i16: view.setInt16,
    i32: view.setInt32,
    f32: view.setFloat32,
    f64: view.setFloat64,
  }[type];
  for (let i = 0; i < values.length; i++) {
    write.call(view, 4 + 4 * dims.length + i * size, values[i]!);
  }
  return bytes;
}
