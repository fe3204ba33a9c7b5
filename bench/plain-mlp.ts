import type { Dataset } from "headstart";

interface Layer {
  readonly k: number;
  readonly n: number;
  readonly w: Float32Array;
  readonly b: Float32Array;
  readonly y: Float32Array;
  readonly dy: Float32Array;
}

const RATE = 0.01;

/** The baseline: forward, backward and sgd of an MLP in the obvious loops over Float32Arrays. */
export class PlainMlp {
  readonly #layers: readonly Layer[];
  readonly #batch: number;
  readonly #data: Dataset;
  readonly #f: (x: number) => number;
  readonly #slope: (y: number) => number;
  #row = 0;

  constructor(
    widths: readonly number[],
    activation: "relu" | "tanh",
    batch: number,
    data: Dataset,
  ) {
    this.#batch = batch;
    this.#data = data;
    this.#f = activation === "tanh" ? Math.tanh : (x) => (x > 0 ? x : 0);
    this.#slope = activation === "tanh" ? (y) => 1 - y * y : (y) => (y > 0 ? 1 : 0);
    this.#layers = widths.slice(1).map((n, i) => {
      const k = widths[i]!;
      const w = Float32Array.from(
        { length: k * n },
        (_, j) => Math.sin(j * 12.9898) / Math.sqrt(k),
      );
      const outputs = () => new Float32Array(batch * n);
      return { k, n, w, b: new Float32Array(n), y: outputs(), dy: outputs() };
    });
  }

  run(steps: number): void {
    for (let s = 0; s < steps; s++) {
      this.#forward();
      this.#lossGradient();
      this.#backward();
      this.#row = (this.#row + this.#batch) % this.#data.rows;
    }
  }

  #input(index: number): Float32Array {
    if (index > 0) return this.#layers[index - 1]!.y;
    const { k } = this.#layers[0]!;
    return this.#data.inputs.subarray(this.#row * k, (this.#row + this.#batch) * k);
  }

  #forward(): void {
    this.#layers.forEach(({ k, n, w, b, y }, index) => {
      const x = this.#input(index);
      for (let i = 0; i < this.#batch; i++) {
        for (let j = 0; j < n; j++) y[i * n + j] = b[j]!;
        for (let p = 0; p < k; p++) {
          const v = x[i * k + p]!;
          for (let j = 0; j < n; j++) y[i * n + j]! += v * w[p * n + j]!;
        }
      }
      if (index === this.#layers.length - 1) return;
      for (let i = 0; i < y.length; i++) y[i] = this.#f(y[i]!);
    });
  }

  /** dy of the last layer: softmax cross-entropy over classes, else the mean squared error. */
  #lossGradient(): void {
    const { n, y, dy } = this.#layers.at(-1)!;
    const { classes, targets } = this.#data;
    for (let i = 0; i < this.#batch; i++) {
      const target = targets[this.#row + i]!;
      if (classes === 0) {
        dy[i] = (2 * (y[i]! - target)) / this.#batch;
        continue;
      }
      let top = Number.NEGATIVE_INFINITY;
      let sum = 0;
      for (let j = 0; j < n; j++) top = Math.max(top, y[i * n + j]!);
      for (let j = 0; j < n; j++) {
        dy[i * n + j] = Math.exp(y[i * n + j]! - top);
        sum += dy[i * n + j]!;
      }
      for (let j = 0; j < n; j++) {
        dy[i * n + j] = (dy[i * n + j]! / sum - (target === j ? 1 : 0)) / this.#batch;
      }
    }
  }

  #backward(): void {
    for (let index = this.#layers.length - 1; index >= 0; index--) {
      const { k, n, w, b, y, dy } = this.#layers[index]!;
      const x = this.#input(index);
      if (index < this.#layers.length - 1) {
        for (let i = 0; i < y.length; i++) dy[i]! *= this.#slope(y[i]!);
      }
      if (index > 0) {
        const dx = this.#layers[index - 1]!.dy;
        for (let i = 0; i < this.#batch; i++) {
          for (let p = 0; p < k; p++) {
            let sum = 0;
            for (let j = 0; j < n; j++) sum += dy[i * n + j]! * w[p * n + j]!;
            dx[i * k + p] = sum;
          }
        }
      }
      for (let i = 0; i < this.#batch; i++) {
        for (let p = 0; p < k; p++) {
          const v = RATE * x[i * k + p]!;
          for (let j = 0; j < n; j++) w[p * n + j]! -= v * dy[i * n + j]!;
        }
        for (let j = 0; j < n; j++) b[j]! -= RATE * dy[i * n + j]!;
      }
    }
  }
}
