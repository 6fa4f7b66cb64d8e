/**
 * Train mode would drop features at random, and a case holds no such draws.
 * @throws Error naming the argument if it is not 0
 */
export function refuseDropout(probability: number, argument: string): void {
  if (probability !== 0) {
    throw new Error(
      `field 'model.params.${argument}': ${probability} in train mode needs random draws that no case holds`,
    );
  }
}
