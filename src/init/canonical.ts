/** `heNormal`, `HeNormal`, `he-normal`, `he_normal_`, `HeNormalInitializer` are one name; so are `gpt2CProj` and `gpt2_c_proj`. */
export function canonical(name: string): string {
  return name
    .trim()
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replace(/([0-9])([A-Z])(?=[A-Za-z])/g, "$1_$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase()
    .replace(/_+$/, "")
    .replace(SUFFIX, "");
}

/** What TensorFlow 1 ends its names with. */
const SUFFIX = /_initializer$/;
