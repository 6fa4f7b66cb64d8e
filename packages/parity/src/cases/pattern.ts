/**
 * Does a name match a pattern of a case file? `*` is any run of characters (dots too) or none, all else is literal, and
 * the whole name must match.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  const [head, ...rest] = pattern.split('*') as [string, ...string[]];
  if (rest.length === 0) return name === head;
  if (!name.startsWith(head)) return false;
  const tail = rest.pop()!;
  let from = head.length;
  // Taking each middle piece at its first place leaves the most room for the next ones.
  for (const piece of rest) {
    const at = name.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return name.length - tail.length >= from && name.endsWith(tail);
}
