/**
 * tfjs-core alone knows no gradients: `@tensorflow/tfjs` registers those of all its ops as a side effect of being
 * imported. This is the one place that imports it; `index.ts` imports this file, so whoever uses the package can
 * differentiate. It prints nothing and picks no backend.
 */
import '@tensorflow/tfjs';
