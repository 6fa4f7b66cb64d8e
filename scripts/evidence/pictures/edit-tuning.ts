/** Tuning of an edit: Imagic's two stages, as `codiff edit` runs them. Rates are higher than those of the large models. */
export const EDIT_TUNING = {
  embedding: { lr: 1e-3, iterations: 500 },
  weights: { lr: 1e-5, iterations: 1000 },
} as const;

/** Iterations of both stages, where a test wants fewer. */
export interface EditIterations {
  readonly embedding: number;
  readonly weights: number;
}
