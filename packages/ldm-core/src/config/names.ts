/** `channel_mult` -> `channelMult`: a key of a file as a field of a typed config. */
export const camelize = (key: string): string => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** `channelMult` -> `channel_mult`: the inverse of {@link camelize} on every key of a schema. */
export const snakeize = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** One step further down a path: `.key`, or `[index]` of a list. Keys that would be misread are quoted. */
export function step(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (!/^[^.[\]=\s"]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}
