import { describe, expect, test } from "vitest";
import type { Binary } from "../src/core/variants.ts";
import { bytesOf } from "../src/core/variants.ts";

const SECTIONS = { import: 2, table: 4, global: 6, start: 8, element: 9 } as const;

/** The sections of a module by number: [id, size, bytes ...] after the 8-byte header. */
function sectionsOf(bytes: Uint8Array): Map<number, Uint8Array> {
  const sections = new Map<number, Uint8Array>();
  let at = 8;
  const leb = (): number => {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
  };
  while (at < bytes.length) {
    const id = bytes[at++]!;
    const size = leb();
    sections.set(id, bytes.subarray(at, at + size));
    at += size;
  }
  return sections;
}

/** Kernels that keep no state can run in any number of instances on one memory. */
describe.each<Binary>(["simd", "relaxed", "simd-threads", "relaxed-threads"])(
  "the %s binary",
  (variant) => {
    test("has no start function, no table and no elements", async () => {
      const sections = sectionsOf(await bytesOf(variant));
      expect(sections.has(SECTIONS.start)).toBe(false);
      expect(sections.has(SECTIONS.table)).toBe(false);
      expect(sections.has(SECTIONS.element)).toBe(false);
    });

    test("imports its memory and nothing else", async () => {
      const module = new WebAssembly.Module(await bytesOf(variant));
      expect(WebAssembly.Module.imports(module)).toEqual([
        { module: "env", name: "memory", kind: "memory" },
      ]);
    });

    test("has no mutable global", async () => {
      const globals = sectionsOf(await bytesOf(variant)).get(SECTIONS.global);
      if (globals === undefined) return;
      // Entries are [type, mutability, i32.const value, end]; every one of them is an i32 constant.
      const count = globals[0]! < 0x80 ? globals[0]! : (globals[0]! & 0x7f) | (globals[1]! << 7);
      let at = globals[0]! < 0x80 ? 1 : 2;
      for (let i = 0; i < count; i++) {
        expect(globals[at], "type i32").toBe(0x7f);
        expect(globals[at + 1], "mutability").toBe(0);
        expect(globals[at + 2], "i32.const").toBe(0x41);
        at += 3;
        while (globals[at]! >= 0x80) at++;
        at += 2;
      }
      expect(at).toBe(globals.length);
    });
  },
);
