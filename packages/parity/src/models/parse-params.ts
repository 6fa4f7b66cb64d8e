import type { z } from 'zod';

const camel = (v: unknown): unknown =>
  Array.isArray(v)
    ? v.map(camel)
    : typeof v === 'object' && v !== null
      ? Object.fromEntries(
          Object.entries(v).map(([k, x]) => [k.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase()), camel(x)]),
        )
      : v;

export function parseParams(schema: z.ZodObject, raw: unknown, _path: string): unknown {
  return schema.parse(camel(raw));
}
