import type { ParamSpec, UpdateRule } from '@codiff/ldm-core';
import { TrainError } from '../train-error.js';

/**
 * Check that the groups of learning rates cover what a model trains.
 * @param trains whether training changes the weight of a key
 * @throws TrainError for weights that no group matches, and for groups that match none
 */
export function checkRateGroups(
  specs: ReadonlyMap<string, ParamSpec>,
  trains: (key: string) => boolean,
  rules: readonly UpdateRule[],
): void {
  const trained = [...specs.values()].filter(({ key, kind }) => kind === 'parameter' && trains(key));
  const unmatched = trained.filter(({ key }) => !rules.some(({ match }) => match.test(key)));
  if (unmatched.length > 0) {
    throw new TrainError(
      `lightning.learning_rates: no group matches ${unmatched.length} trained weights, the first is '${unmatched[0]!.key}'; end the list with {match: ., lr: ...}, or lr: null to freeze the rest`,
    );
  }
  const idle = rules.find(({ match }) => !trained.some(({ key }) => match.test(key)));
  if (idle) {
    throw new TrainError(
      `lightning.learning_rates: '${idle.match.source}' matches no weight that is trained, such as '${trained[0]?.key}'`,
    );
  }
}

/** Learning rates by the names they are logged under: one, or as the original's monitor names groups. */
export function namedRates(name: string, lr: number, rules: readonly UpdateRule[]): Record<string, number> {
  if (rules.length === 0) return { [name]: lr };
  return Object.fromEntries(rules.map((rule, i) => [`${name}/pg${i + 1}`, rule.lr ?? 0]));
}
