import type { CheckpointDescription, TensorCount } from '@codiff/ldm-core';

/** A checkpoint's description as lines of text. */
export function formatDescription(description: CheckpointDescription): string {
  const { file, format, fileBytes, dtypes, groups, others, values, metadata } = description;
  const lines = [
    `${file}: ${format}, ${formatBytes(fileBytes)}`,
    `weights   ${formatCount(description)}`,
    `types     ${Object.entries(dtypes)
      .map(([dtype, count]) => `${dtype} (${count})`)
      .join(', ')}`,
  ];
  const width = Math.max(...groups.map(({ prefix }) => prefix.length));
  for (const group of groups) lines.push(`  ${group.prefix.padEnd(width)}  ${formatCount(group)}`);
  if (others.tensors > 0) lines.push(`besides   ${formatCount(others)}`);
  for (const [key, value] of Object.entries({ ...values, ...metadata })) lines.push(`${key} = ${value}`);
  return `${lines.join('\n')}\n`;
}

function formatCount({ tensors, elements, bytes }: TensorCount): string {
  return `${tensors} tensors, ${elements.toLocaleString('en-US')} elements, ${formatBytes(bytes)}`;
}

/** Bytes in the largest decimal unit that gives at least 1. */
function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(2)} ${units[unit]}`;
}
