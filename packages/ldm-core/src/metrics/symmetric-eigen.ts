import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** Eigenvalues of a symmetric matrix, in rising order, and its eigenvectors. */
export interface SymmetricEigen {
  readonly values: Float64Array;
  /** Column k belongs to value k: row-major [size, size]. */
  vectors(): Float64Array;
}

/** Decompose a symmetric matrix (Householder and QL, EISPACK's tred2 and tql2). @param matrix row-major [size, size] */
export function symmetricEigen(matrix: Float64Array, size: number): SymmetricEigen {
  const rows = Array.from({ length: size }, (_, i) => matrix.subarray(i * size, (i + 1) * size));
  const found = new EigenvalueDecomposition(new Matrix(rows), { assumeSymmetric: true });
  return {
    values: Float64Array.from(found.realEigenvalues),
    vectors: () => Float64Array.from(found.eigenvectorMatrix.to1DArray()),
  };
}

/**
 * Roots of eigenvalues of a matrix that cannot have negative ones. What rounding leaves of a zero is below size · eps of the
 * largest, and its root would not be small: it counts as zero.
 */
export function rootsOfEigenvalues(values: Float64Array): Float64Array {
  const floor = values.reduce((most, value) => Math.max(most, value), 0) * values.length * Number.EPSILON;
  return values.map((value) => (value > floor ? Math.sqrt(value) : 0));
}
