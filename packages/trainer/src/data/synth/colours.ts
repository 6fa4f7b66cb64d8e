/** `#rrggbb` as three numbers. */
function parts(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Three numbers as `#rrggbb`. */
export function hex(rgb: readonly number[]): string {
  return `#${rgb.map((value) => Math.round(value).toString(16).padStart(2, '0')).join('')}`;
}

/** The colour a share of the way from one to another. @param share 0 gives `from`, 1 gives `to` */
export function mix(from: string, to: string, share: number): string {
  const [a, b] = [parts(from), parts(to)];
  return hex(a.map((value, i) => value + (b[i]! - value) * share));
}
