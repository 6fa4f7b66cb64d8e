import type { z } from 'zod';

/** What a schema found wrong, one `path: message` a problem, joined to one line. Unknown fields are named. */
export function describeProblems(error: z.ZodError, where: string): string {
  return error.issues.map((issue) => `${where}: ${describe(issue, [])}`).join('; ');
}

function describe(issue: z.core.$ZodIssue, outer: readonly PropertyKey[]): string {
  const path = [...outer, ...issue.path];
  const at = pathText(path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => `unknown field '${pathText([...path, key])}'`).join('; ');
    case 'invalid_union': {
      const problems = issue.errors.map((issues) => issues.map((inner) => describe(inner, path)).join(', '));
      return problems.length === 0 ? `field '${at}': ${issue.message}` : problems.join(' or ');
    }
    default:
      return `field '${at}': ${issue.message}`;
  }
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

/** The message of whatever was thrown, on one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, '; ');
}
