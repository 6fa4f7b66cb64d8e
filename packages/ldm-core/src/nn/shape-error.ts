/** A tensor of another shape than a part takes. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';

  /**
   * @param where the part that refuses, e.g. `unet 'model.diffusion_model'`
   * @param what the argument
   * @param got its shape
   * @param wanted the shape in words, with the numbers that count
   * @param advice what to do about it
   */
  constructor(
    readonly where: string,
    readonly what: string,
    readonly got: readonly number[],
    readonly wanted: string,
    readonly advice?: string,
  ) {
    super(`${where}: ${what} is [${got}], wanted ${wanted}${advice === undefined ? '' : `; ${advice}`}`);
  }
}
