/** What a window is, as the kernels take it, and the sums it stands for, written from the definition. */
export interface Geometry {
  readonly batch: number;
  /** Height, width and channels of what the window goes over, and of what lies at its steps. */
  readonly image: readonly [number, number, number];
  readonly steps: readonly [number, number, number];
  readonly kernel: readonly [number, number];
  readonly stride?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  readonly before?: readonly [number, number];
  readonly groups?: number;
  readonly circular?: boolean;
}

export const FLAGS = { fractional: 1, swapped: 2, circular: 4 } as const;

/** The words of a kernel's `Window`; fractional: it writes what the window goes over. */
export function wordsOf(g: Geometry, flags = 0): number[] {
  const { stride = [1, 1], dilation = [1, 1], before = [0, 0], groups = 1, circular } = g;
  const isFractional = (flags & FLAGS.fractional) !== 0;
  const [out, into] = isFractional ? [g.image, g.steps] : [g.steps, g.image];
  const all = flags | (circular ? FLAGS.circular : 0);
  return [g.batch, ...out, ...into, ...g.kernel, ...stride, ...dilation, ...before, groups, all];
}

/** Visits each product of the window: positions in the image (or -1 for a zero), at the steps, and the tap. */
export function eachTap(
  g: Geometry,
  visit: (image: number, step: number, tap: number) => void,
): void {
  const { stride = [1, 1], dilation = [1, 1], before = [0, 0], circular = false } = g;
  const [height, width] = g.image;
  const [rows, columns] = g.steps;
  const [kernelH, kernelW] = g.kernel;
  const place = (at: number, n: number) => {
    if (circular) return ((at % n) + n) % n;
    return at >= 0 && at < n ? at : -1;
  };
  for (let b = 0; b < g.batch; b++)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++)
        for (let ky = 0; ky < kernelH; ky++)
          for (let kx = 0; kx < kernelW; kx++) {
            const y = place(i * stride[0] + ky * dilation[0] - before[0], height);
            const x = place(j * stride[1] + kx * dilation[1] - before[1], width);
            const image = y < 0 || x < 0 ? -1 : (b * height + y) * width + x;
            visit(image, (b * rows + i) * columns + j, ky * kernelW + kx);
          }
}

/**
 * All triples of a convolution: element of the image, of what lies at the steps, of the kernel [kernelH, kernelW, a / groups, b].
 * `swapped`: a are the channels at the steps, b the image's.
 */
export function eachProduct(
  g: Geometry,
  swapped: boolean,
  visit: (image: number, step: number, weight: number) => void,
): void {
  const { groups = 1 } = g;
  const inC = g.image[2];
  const outC = g.steps[2];
  const inG = inC / groups;
  const outG = outC / groups;
  eachTap(g, (image, step, tap) => {
    if (image < 0) return;
    for (let group = 0; group < groups; group++)
      for (let c = 0; c < inG; c++)
        for (let o = 0; o < outG; o++) {
          const weight = swapped
            ? (tap * outG + o) * inC + group * inG + c
            : (tap * inG + c) * outC + group * outG + o;
          visit(image * inC + group * inG + c, step * outC + group * outG + o, weight);
        }
  });
}

export function sizesOf(g: Geometry) {
  const { groups = 1 } = g;
  const size = ([h, w, c]: readonly [number, number, number]) => g.batch * h * w * c;
  return {
    image: size(g.image),
    steps: size(g.steps),
    weights: (g.kernel[0] * g.kernel[1] * g.image[2] * g.steps[2]) / groups,
  };
}

/** Outputs of a window with so many zeros on both sides. */
export function stepsOf(
  [height, width]: readonly [number, number],
  kernel: readonly [number, number],
  options: Pick<Geometry, "stride" | "dilation" | "before"> = {},
): [number, number] {
  const { stride = [1, 1], dilation = [1, 1], before = [0, 0] } = options;
  const along = (n: number, axis: 0 | 1) =>
    Math.floor((n + 2 * before[axis] - (kernel[axis] - 1) * dilation[axis] - 1) / stride[axis]) + 1;
  return [along(height, 0), along(width, 1)];
}
