import * as tf from '@tensorflow/tfjs-core';

/** A Gaussian with diagonal covariance: what the encoder says about a latent. All [B,H,W,C]. */
export type LatentPosterior = {
  readonly mean: tf.Tensor4D;
  /** Clamped to [-30, 20]. */
  readonly logvar: tf.Tensor4D;
};

/** Split moments along channels. @param moments [B,H,W,2C], mean first @returns mean and clamped log-variance [B,H,W,C] */
export function posteriorOf(moments: tf.Tensor4D): LatentPosterior {
  return tf.tidy(() => {
    const [mean, logvar] = tf.split(moments, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
    return { mean, logvar: tf.clipByValue(logvar, -30, 20) };
  });
}

/** @returns standard deviation [B,H,W,C] */
export function posteriorStd({ logvar }: LatentPosterior): tf.Tensor4D {
  return tf.tidy(() => tf.exp(tf.mul(logvar, 0.5)));
}

/** @returns variance [B,H,W,C] */
export function posteriorVariance({ logvar }: LatentPosterior): tf.Tensor4D {
  return tf.exp(logvar);
}

/** Draw by reparameterisation (Kingma & Welling 2014). @param noise standard normal [B,H,W,C] @returns mean + std·noise */
export function samplePosterior(q: LatentPosterior, noise: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => tf.add(q.mean, tf.mul(posteriorStd(q), noise)));
}

/** The most likely latent: the mean [B,H,W,C], not a copy. */
export function posteriorMode(q: LatentPosterior): tf.Tensor4D {
  return q.mean;
}

/** KL divergence from the standard normal, 0.5·Σ(mean² + var - 1 - logvar) over H, W, C. @returns nats [B] */
export function klDivergence(q: LatentPosterior): tf.Tensor1D {
  return tf.tidy(() => {
    const terms = tf.sub(tf.sub(tf.add(tf.square(q.mean), posteriorVariance(q)), 1), q.logvar);
    return tf.mul(0.5, tf.sum(terms, [1, 2, 3])) as tf.Tensor1D;
  });
}

/** Negative log-likelihood of latents, 0.5·Σ(ln 2π + logvar + (z - mean)²/var) over H, W, C. @param z [B,H,W,C] @returns nats [B] */
export function negativeLogLikelihood(q: LatentPosterior, z: tf.Tensor4D): tf.Tensor1D {
  return tf.tidy(() => {
    const terms = tf.add(
      tf.add(q.logvar, Math.log(2 * Math.PI)),
      tf.div(tf.square(tf.sub(z, q.mean)), posteriorVariance(q)),
    );
    return tf.mul(0.5, tf.sum(terms, [1, 2, 3])) as tf.Tensor1D;
  });
}
