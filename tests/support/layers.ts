/**
 * Naive references of what each kind of layer computes, written from the layer's definition and the layout of its kernel alone:
 * every layer is bilinear, `y[output] += x[input] w[weight]`, and its reference lists the triples. Windows wrap around, so that
 * positions at a border are like any other.
 */
export interface Layer {
  /** Numbers that go in, weights, numbers that come out. */
  readonly inputs: number;
  readonly weights: number;
  readonly outputs: number;
  /** One entry a product. */
  readonly input: Int32Array;
  readonly weight: Int32Array;
  readonly output: Int32Array;
}

type Visit = (input: number, weight: number, output: number) => void;

export function forward(layer: Layer, x: Float64Array, w: ArrayLike<number>): Float64Array {
  const y = new Float64Array(layer.outputs);
  const { input, weight, output } = layer;
  for (let i = 0; i < input.length; i++) y[output[i]!]! += x[input[i]!]! * w[weight[i]!]!;
  return y;
}

export function backward(layer: Layer, dy: Float64Array, w: ArrayLike<number>): Float64Array {
  const dx = new Float64Array(layer.inputs);
  const { input, weight, output } = layer;
  for (let i = 0; i < input.length; i++) dx[input[i]!]! += dy[output[i]!]! * w[weight[i]!]!;
  return dx;
}

/** `y = x W` for some rows of x, W [inputs, outputs]. Gates and projections of a fused kernel are columns like any other. */
export function denseLayer(inputs: number, outputs: number, rows: number): Layer {
  return layer(rows * inputs, inputs * outputs, rows * outputs, (visit) => {
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < inputs; i++)
        for (let o = 0; o < outputs; o++)
          visit(row * inputs + i, i * outputs + o, row * outputs + o);
  });
}

/** The inputs are the products a_i b_j of two vectors, for some rows; W [left, right, outputs]. */
export function bilinearLayer(left: number, right: number, outputs: number, rows: number): Layer {
  return denseLayer(left * right, outputs, rows);
}

export interface Geometry {
  /** Positions of the input along each axis; of the output, for a locally connected layer. */
  readonly extent: readonly number[];
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly inputs: number;
  readonly outputs: number;
  readonly groups?: number;
}

/** `y[p, o] = sum_kc x[p stride + k, c] w[k, c, o]`, w [size…, inputs / groups, outputs]. */
export function convLayer({ extent, size, stride, inputs, outputs, groups = 1 }: Geometry): Layer {
  const out = extent.map((n, axis) => n / stride[axis]!);
  const rows = inputs / groups;
  return layer(
    count(extent) * inputs,
    count(size) * rows * outputs,
    count(out) * outputs,
    (visit) => {
      for (const p of positions(out))
        for (const k of positions(size)) {
          const q = p.map((at, axis) => (at * stride[axis]! + k[axis]!) % extent[axis]!);
          for (let o = 0; o < outputs; o++) {
            const group = Math.floor(o / (outputs / groups));
            for (let c = 0; c < rows; c++)
              visit(
                flat(q, extent) * inputs + group * rows + c,
                (flat(k, size) * rows + c) * outputs + o,
                flat(p, out) * outputs + o,
              );
          }
        }
    },
  );
}

/** `y[p stride + k, o] += x[p, c] w[k, c, o]`, w [size…, inputs / groups, outputs]. */
export function convTransposeLayer(geometry: Geometry): Layer {
  const { extent, size, stride, inputs, outputs, groups = 1 } = geometry;
  const out = extent.map((n, axis) => n * stride[axis]!);
  const rows = inputs / groups;
  return layer(
    count(extent) * inputs,
    count(size) * rows * outputs,
    count(out) * outputs,
    (visit) => {
      for (const p of positions(extent))
        for (const k of positions(size)) {
          const q = p.map((at, axis) => (at * stride[axis]! + k[axis]!) % out[axis]!);
          for (let c = 0; c < inputs; c++) {
            const group = Math.floor(c / rows);
            for (let j = 0; j < outputs / groups; j++) {
              const o = group * (outputs / groups) + j;
              visit(
                flat(p, extent) * inputs + c,
                (flat(k, size) * rows + (c % rows)) * outputs + o,
                flat(q, out) * outputs + o,
              );
            }
          }
        }
    },
  );
}

/** `y[p, o] = sum_kc x[p stride + k, c] w[p, k, c, o]`, w [extent…, size…, inputs, outputs]. */
export function locallyConnectedLayer(geometry: Geometry): Layer {
  const { extent, size, stride, inputs, outputs } = geometry;
  const from = extent.map((n, axis) => n * stride[axis]!);
  return layer(
    count(from) * inputs,
    count(extent) * count(size) * inputs * outputs,
    count(extent) * outputs,
    (visit) => {
      for (const p of positions(extent))
        for (const k of positions(size)) {
          const q = p.map((at, axis) => (at * stride[axis]! + k[axis]!) % from[axis]!);
          for (let c = 0; c < inputs; c++)
            for (let o = 0; o < outputs; o++)
              visit(
                flat(q, from) * inputs + c,
                ((flat(p, extent) * count(size) + flat(k, size)) * inputs + c) * outputs + o,
                flat(p, extent) * outputs + o,
              );
        }
    },
  );
}

/** A convolution to factor^axes channels each, moved to position `p factor + s`: w [size…, inputs, s, outputs]. */
export function pixelShuffleLayer(
  geometry: Omit<Geometry, "groups" | "stride">,
  factor: number,
): Layer {
  const { extent, size, inputs, outputs } = geometry;
  const out = extent.map((n) => n * factor);
  const grid = extent.map(() => factor);
  const channels = outputs * count(grid);
  return layer(
    count(extent) * inputs,
    count(size) * inputs * channels,
    count(out) * outputs,
    (visit) => {
      for (const p of positions(extent))
        for (const k of positions(size))
          for (const s of positions(grid)) {
            const q = p.map((at, axis) => (at + k[axis]!) % extent[axis]!);
            const to = p.map((at, axis) => at * factor + s[axis]!);
            for (let c = 0; c < inputs; c++)
              for (let o = 0; o < outputs; o++)
                visit(
                  flat(q, extent) * inputs + c,
                  (flat(k, size) * inputs + c) * channels + flat(s, grid) * outputs + o,
                  flat(to, out) * outputs + o,
                );
          }
    },
  );
}

function layer(
  inputs: number,
  weights: number,
  outputs: number,
  connect: (visit: Visit) => void,
): Layer {
  let n = 0;
  connect(() => n++);
  const input = new Int32Array(n);
  const weight = new Int32Array(n);
  const output = new Int32Array(n);
  let at = 0;
  connect((i, w, o) => {
    input[at] = i;
    weight[at] = w;
    output[at++] = o;
  });
  return { inputs, weights, outputs, input, weight, output };
}

/** All positions of a grid, the last axis fastest. */
function positions(extent: readonly number[]): number[][] {
  return extent.reduce<number[][]>(
    (all, n) => all.flatMap((p) => Array.from({ length: n }, (_, i) => [...p, i])),
    [[]],
  );
}

function flat(position: readonly number[], extent: readonly number[]): number {
  return position.reduce((at, i, axis) => at * extent[axis]! + i, 0);
}

function count(extent: readonly number[]): number {
  return extent.reduce((all, n) => all * n, 1);
}
