const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/** All 65 536 half-precision values (IEEE 754 binary16) as float32 bits; made at first use, 256 kB. */
let halfTable: Uint32Array | undefined;

function halves(): Uint32Array {
  if (halfTable) return halfTable;
  const table = new Uint32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0x1f) table[half] = sign | 0x7f800000 | (fraction << 13);
    else if (exponent > 0) table[half] = sign | ((exponent + 112) << 23) | (fraction << 13);
    else {
      FLOAT[0] = fraction * 2 ** -24;
      table[half] = sign | BITS[0]!;
    }
  }
  halfTable = table;
  return table;
}

/** float16 bits -> float32 values, exactly. */
export function halfToFloat32(input: Uint16Array, output: Float32Array): void {
  const table = halves();
  const bits = new Uint32Array(output.buffer, output.byteOffset, output.length);
  for (let i = 0; i < input.length; i++) bits[i] = table[input[i]!]!;
}

/** bfloat16 bits -> float32 values, exactly: they are a float32's upper half. */
export function bfloat16ToFloat32(input: Uint16Array, output: Float32Array): void {
  const bits = new Uint32Array(output.buffer, output.byteOffset, output.length);
  for (let i = 0; i < input.length; i++) bits[i] = input[i]! << 16;
}

/** float32 -> float16 bits, to nearest even; beyond 65 504 it becomes infinity. */
export function float32ToHalf(input: Float32Array, output: Uint16Array): void {
  const bits = new Uint32Array(input.buffer, input.byteOffset, input.length);
  for (let i = 0; i < input.length; i++) {
    const x = bits[i]!;
    const sign = (x >>> 16) & 0x8000;
    const magnitude = x & 0x7fffffff;
    if (magnitude >= 0x7f800000) output[i] = sign | 0x7c00 | (magnitude > 0x7f800000 ? 0x200 : 0);
    else if (magnitude >= 0x38800000) {
      // Normal: rebias the exponent; the carry of rounding may reach it, up to infinity.
      const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
      output[i] = sign | Math.min(rounded >>> 13, 0x7c00);
    } else {
      // Subnormal: multiples of 2^-24. The float is exact in float64, and so is the scaled value.
      const scaled = Math.abs(input[i]!) * 2 ** 24;
      const floor = Math.floor(scaled);
      const rest = scaled - floor;
      output[i] = sign | (floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0));
    }
  }
}

/** float32 -> bfloat16 bits, to nearest even. */
export function float32ToBfloat16(input: Float32Array, output: Uint16Array): void {
  const bits = new Uint32Array(input.buffer, input.byteOffset, input.length);
  for (let i = 0; i < input.length; i++) {
    const x = bits[i]!;
    output[i] = (x & 0x7fffffff) > 0x7f800000 ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  }
}
