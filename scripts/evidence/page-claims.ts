import { type Claims, type ConsistencyClaim, overallVerdict, type Verdict } from './claims.js';
import { COLLABORATIONS, type Method } from './methods.js';
import { differenceText, markdownTable } from './page-table.js';
import { PAIRED_RESAMPLES } from './paired-metrics.js';
import type { EvidenceRecord } from './record.js';

const METRIC_WORDS = { mask_accuracy: 'the mask', text_consistency: 'the text', both: 'the two together' } as const;

const OVERALL: Readonly<Record<Verdict, string>> = {
  holds: 'The claim holds for it: every statement below does',
  'does not hold': 'The claim as a whole does **not** hold for it: at least one statement below does not',
  'is not decided': 'The claim as a whole is **not decided** for it: no statement below fails, but not all hold',
};

const verdictText = (verdict: Verdict): string => (verdict === 'holds' ? verdict : `**${verdict}**`);

/** What holds and what does not, in words and numbers. */
export function claimSection({ claims }: Pick<EvidenceRecord, 'claims'>): string {
  return `## What holds, and what does not

${COLLABORATIONS.map((method) => `**${method}** ${sentences(claims, method)}`).join('\n\n')}

A condition is followed better where the 95 % interval of the difference over pairs with the same conditions and noise (paired bootstrap)
lies above 0, not better where it lies below 0, and where it holds 0 the images do not decide it. The two together are the mean of both
consistencies on the scale by which the fixed mix was chosen (below): a model alone may well follow its own condition best, and no other.
Quality is kept where the 95 % interval of the difference of the Frechet distances over the same pairs (bootstrap of ${PAIRED_RESAMPLES} resamples, which
draw the same pairs of both methods) does not reach above 0, lost where it lies above 0, and else not decided.
Each of the ${claims.consistency.length + claims.quality.length} intervals stands for itself; none is wider for their number, so one that only just clears 0 says little.

${markdownTable(['method', 'against', 'follows better', 'difference', 'pairs', 'verdict'], consistencyRows(claims))}

${markdownTable(['method', 'against', 'Frechet distance less that of the baseline', 'pairs', 'quality is kept'], qualityRows(claims))}`;
}

function sentences(claims: Claims, method: (typeof COLLABORATIONS)[number]): string {
  const verdict = overallVerdict(claims, method);
  const parts = (['both', 'mask_accuracy', 'text_consistency'] as const).flatMap((metric) => {
    const own = claims.consistency.filter((claim) => claim.method === method && claim.metric === metric);
    return own.length === 0 ? [] : [`it follows ${METRIC_WORDS[metric]} ${comparison(own)}`];
  });
  const quality = claims.quality.filter((claim) => claim.method === method);
  const lost = names(quality.filter((claim) => claim.verdict === 'does not hold'));
  const open = names(quality.filter((claim) => claim.verdict === 'is not decided'));
  const kept = [
    ...(lost === '' ? [] : [`is below that of ${lost}`]),
    ...(open === '' ? [] : [`cannot be told from that of ${open} by these images`]),
  ];
  const words = kept.length === 0 ? 'is not below that of any baseline' : kept.join(', and ');
  return `– ${parts.join('; ')}; its image quality ${words}. ${OVERALL[verdict]}.`;
}

/** `better than a and b, worse than c, and as well as d as far as these pairs tell`. */
function comparison(claims: readonly ConsistencyClaim[]): string {
  const by = (verdict: Verdict) => names(claims.filter((claim) => claim.verdict === verdict));
  const parts = [
    ['better than ', by('holds'), ''],
    ['worse than ', by('does not hold'), ''],
    ['neither better nor worse than ', by('is not decided'), ' as far as these pairs tell'],
  ]
    .filter(([, methods]) => methods !== '')
    .map((words) => words.join(''));
  return parts.join(', ');
}

const names = (claims: readonly { readonly baseline: Method }[]): string =>
  new Intl.ListFormat('en', { type: 'conjunction' }).format(claims.map(({ baseline }) => baseline));

const consistencyRows = ({ consistency }: Claims): string[][] =>
  consistency.map((claim) => [
    claim.method,
    claim.baseline,
    METRIC_WORDS[claim.metric],
    differenceText(claim),
    String(claim.n),
    verdictText(claim.verdict),
  ]);

const qualityRows = ({ quality }: Claims): string[][] =>
  quality.map((claim) => [
    claim.method,
    claim.baseline,
    differenceText(claim, 2),
    String(claim.n),
    verdictText(claim.verdict),
  ]);
