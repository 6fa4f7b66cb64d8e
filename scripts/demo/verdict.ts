import type { CodiffErrors } from './codiff-errors.js';
import type { DemoRecord } from './record.js';

/** Most that a held-out loss may be of its value after initialisation. */
export const LOSS_SHARE = 0.6;

/** One statement about the trained models, and whether it holds. */
export interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

const NAMES: Readonly<Record<keyof CodiffErrors['gain'], string>> = {
  half: 'half of each branch',
  seg_mask: 'the mask branch alone',
  text: 'the text branch alone',
};

/** What the held-out measurements say, against the limits of a full run. */
export function findings({ stages, codiff }: Pick<DemoRecord, 'stages' | 'codiff'>): Finding[] {
  const losses = (['vae', 'text', 'mask'] as const).flatMap((name) => {
    const loss = stages[name]?.heldOut;
    if (loss === undefined) return [];
    const share = loss.atEnd / loss.atStart;
    const text = `${name}: ${loss.name} ${loss.atEnd.toFixed(4)}, ${share.toFixed(3)} of ${loss.atStart.toFixed(4)} at the start (limit ${LOSS_SHARE})`;
    return [{ ok: share <= LOSS_SHARE, text }];
  });
  if (codiff === undefined) return losses;
  const gains = (['half', 'seg_mask', 'text'] as const).map((method) => {
    const { mean, low, high } = codiff.gain[method];
    const ours = codiff.mean.collaborative.toFixed(4);
    const text =
      `codiff: error ${ours}, ${NAMES[method]} ${codiff.mean[method].toFixed(4)}; smaller by ${mean.toFixed(5)} ` +
      `[${low.toFixed(5)}, ${high.toFixed(5)}] (95 %, ${codiff.samples} pairs; the interval must lie above 0)`;
    return { ok: low > 0, text };
  });
  return [...losses, ...gains];
}
