import { measureMethods } from './measure-methods.js';
import { quickFindings } from './quick-rule.js';
import type { EvidenceRecord } from './record.js';
import type { Session } from './session.js';

/**
 * See that the first pairs alone give what the full table says, within its intervals widened for their number.
 * @returns exit code: 1 where a value lies outside
 */
export async function runQuick(session: Session, full: EvidenceRecord): Promise<number> {
  const { line, options } = session;
  const { rows } = await measureMethods(session, full.fixedMix);
  const findings = quickFindings(rows, full);
  for (const { row, low, high, ok } of findings) {
    const { method, metric, value, n } = row;
    const digits = metric === 'kid' ? 5 : 3;
    line.done(
      `${ok ? 'ok    ' : 'MISSED'} ${method.padEnd(22)} ${metric.padEnd(16)} ${value.toFixed(digits)} of ${n}, wanted ${low.toFixed(digits)} to ${high.toFixed(digits)}`,
    );
  }
  const missed = findings.filter(({ ok }) => !ok).length;
  line.done(
    missed === 0
      ? `evidence: all ${findings.length} values lie in the intervals of ${options.json}, widened for fewer images`
      : `evidence: ${missed} of ${findings.length} values lie outside the widened intervals of ${options.json}`,
  );
  return missed === 0 ? 0 : 1;
}
