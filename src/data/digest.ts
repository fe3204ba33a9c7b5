import type { Dataset } from "./dataset.ts";
import { DataError } from "./errors.ts";

/** SHA-256 in lower-case hex, by the engine's WebCrypto. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined) {
    throw new DataError({
      source: "sha256",
      expected: "WebCrypto",
      got: "a page without crypto.subtle",
      hint: "serve the page over https or from localhost: browsers offer it in secure contexts only",
    });
  }
  const hash = new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * SHA-256 of a data set's numbers: `inputs` as little-endian f32, row-major, followed by `targets` as little-endian i32 (classes) or f32
 * (regression). Names and shape are not part of it.
 */
export function digest({ inputs, targets }: Dataset): Promise<string> {
  // Views have the host's byte order, which is little-endian wherever WebAssembly runs at speed; elsewhere the sum differs, loudly.
  const payload = new Uint8Array(inputs.byteLength + targets.byteLength);
  payload.set(new Uint8Array(inputs.buffer, inputs.byteOffset, inputs.byteLength));
  payload.set(
    new Uint8Array(targets.buffer, targets.byteOffset, targets.byteLength),
    inputs.byteLength,
  );
  return sha256(payload);
}
