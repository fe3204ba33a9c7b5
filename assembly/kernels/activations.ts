export enum Activation {
  linear,
  relu,
}
export function activationForward(
  y: usize,
  x: usize,
  n: i32,
  kind: i32,
  alpha: f32,
  thread: i32,
  threads: i32,
): void {
  for (let i = 0; i < n; i++) store<f32>(y + (i << 2), max<f32>(load<f32>(x + (i << 2)), 0));
}
