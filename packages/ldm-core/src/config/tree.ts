/** A mapping of a config file: plain data, keys as written. */
export type ConfigTree = { readonly [key: string]: unknown };

/** Whether a value is a mapping (not a list, not null). */
export const isTree = (value: unknown): value is ConfigTree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Two configs as one: mappings merge key by key, anything else (lists too) is replaced by the later value. Neither
 * argument changes.
 */
export function mergeTrees(earlier: ConfigTree, later: ConfigTree): ConfigTree {
  const merged = new Map(Object.entries(earlier));
  for (const [key, value] of Object.entries(later)) {
    const before = merged.get(key);
    merged.set(key, isTree(before) && isTree(value) ? mergeTrees(before, value) : value);
  }
  // fromEntries defines keys, so a key `__proto__` is data here like any other.
  return Object.fromEntries(merged);
}

/** A value as an error message shows it: YAML-like, cut at 60 characters. */
export function show(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
