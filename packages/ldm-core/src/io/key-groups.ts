/** How many keys begin with a prefix. */
export interface KeyGroup {
  /** A whole key, or a prefix that ends in `.*`. */
  readonly prefix: string;
  readonly keys: readonly string[];
}

/**
 * Keys grouped by prefix: all keys of one first name form a group, split at the next dot while that leaves few groups.
 * A group of one key is shown as the key.
 * @param most groups wanted at most, where keys allow
 */
export function groupKeys(keys: readonly string[], most = 12): KeyGroup[] {
  let groups = split(keys, 1);
  for (let depth = 2; depth <= 4; depth++) {
    const finer = split(keys, depth);
    if (finer.length > most) break;
    groups = finer;
  }
  return groups;
}

function split(keys: readonly string[], depth: number): KeyGroup[] {
  const groups = new Map<string, string[]>();
  for (const key of keys) {
    const parts = key.split('.');
    // A bare name such as `betas` has no prefix: all of them are one group.
    const prefix = parts.length === 1 ? '' : parts.slice(0, Math.min(depth, parts.length - 1)).join('.');
    const group = groups.get(prefix);
    if (group) group.push(key);
    else groups.set(prefix, [key]);
  }
  return [...groups].map(([prefix, members]) => ({
    prefix: members.length === 1 ? members[0]! : prefix === '' ? '(no prefix)' : `${prefix}.*`,
    keys: members,
  }));
}

/** `model.diffusion_model.* (686), betas`. */
export function formatGroups(keys: readonly string[]): string {
  const groups = groupKeys(keys);
  const shown = groups.slice(0, 20).map(({ prefix, keys: members }) => {
    if (members.length === 1) return prefix.slice(0, 200);
    const few =
      prefix === '(no prefix)' ? `: ${members.slice(0, 4).join(', ')}${members.length > 4 ? ', ...' : ''}` : '';
    return `${prefix.slice(0, 200)} (${members.length}${few})`;
  });
  if (groups.length > shown.length) shown.push(`and ${groups.length - shown.length} more groups`);
  return shown.join(', ');
}
