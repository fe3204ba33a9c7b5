/** A build of the one core source: fixed-width SIMD, fused multiply-add (relaxed SIMD), or with assertions. */
export type Variant = "simd" | "relaxed" | "debug";

/** A binary: a variant, or a variant with threads and shared memory. */
export type Binary = Variant | "simd-threads" | "relaxed-threads";

/** Fastest first; `debug` is never chosen, only asked for. */
const CANDIDATES: readonly Variant[] = ["relaxed", "simd"];

/**
 * The first variant whose own bytes this engine accepts, or the pinned one: the binary is its own feature test.
 *
 * Throws an `Error` that names what is missing when the engine accepts none.
 */
export async function chooseVariant(pinned?: Variant): Promise<Variant> {
  for (const variant of pinned === undefined ? CANDIDATES : [pinned]) {
    if (await isSupported(variant)) return variant;
  }
  if (pinned === "relaxed") {
    throw new Error(
      'core: this engine does not accept relaxed SIMD; use variant "simd", or a newer engine ' +
        "(Node 22, Chrome 114, Firefox 146), or Node 20 with --experimental-wasm-relaxed-simd",
    );
  }
  throw new Error(
    "core: this engine does not accept WebAssembly SIMD, which headstart needs " +
      "(Node 16.4, Chrome 91, Firefox 89 and Safari 16.4 have it)",
  );
}

/** Whether this engine accepts a binary's bytes. */
export async function isSupported(binary: Binary): Promise<boolean> {
  return WebAssembly.validate(await bytesOf(binary));
}

/** The bytes of a binary, decoded from its embedded module; only the one asked for is loaded. */
export function bytesOf(binary: Binary): Promise<Uint8Array<ArrayBuffer>> {
  binaries[binary] ??= EMBEDDED[binary]().then(({ base64 }) => decodeBase64(base64));
  return binaries[binary];
}

const EMBEDDED: Record<Binary, () => Promise<{ base64: string }>> = {
  simd: () => import("./wasm/simd.ts"),
  relaxed: () => import("./wasm/relaxed.ts"),
  debug: () => import("./wasm/debug.ts"),
  "simd-threads": () => import("./wasm/simd-threads.ts"),
  "relaxed-threads": () => import("./wasm/relaxed-threads.ts"),
};

// Caches of pure values: a process compiles each binary once.
const binaries: { [B in Binary]?: Promise<Uint8Array<ArrayBuffer>> } = {};
const modules: { [B in Binary]?: Promise<WebAssembly.Module> } = {};

/** The compiled binary. */
export function compile(binary: Binary): Promise<WebAssembly.Module> {
  modules[binary] ??= bytesOf(binary).then((bytes) => WebAssembly.compile(bytes));
  return modules[binary];
}

interface Decoder {
  readonly Buffer?: { from(text: string, encoding: "base64"): Uint8Array };
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  // Node's own way takes 0.1 ms, a cold loop over characters 3.
  const { Buffer } = globalThis as Decoder;
  if (Buffer !== undefined) return new Uint8Array(Buffer.from(text, "base64"));
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
