/** Names that the root of core may have: it is the language; what else there is has an entry of its own. */
export const mostRootNames = 110;

/**
 * What each entry may take in a browser's bundle, with all that it needs, in kB minified and compressed by gzip. A new entry gets a line; a
 * larger number needs a reason in the commit that raises it.
 */
export const bundleBudgets: Readonly<Record<string, number>> = {
  '@ddcl/backend-conformance': 55,
  '@ddcl/backend-conformance/reporter': 1.5,
  '@ddcl/backend-cpu': 23.5,
  '@ddcl/backend-ort': 45,
  '@ddcl/backend-tfjs': 26,
  '@ddcl/backend-tfjs/layers': 44,
  '@ddcl/backend-webgpu': 38.5,
  '@ddcl/core': 16,
  '@ddcl/core/backend': 13,
  '@ddcl/core/fit': 64.5,
  '@ddcl/core/metrics': 4,
  '@ddcl/core/safetensors': 4,
  '@ddcl/core/train': 35.5,
  '@ddcl/hier': 100,
  '@ddcl/readout': 83.5,
  '@ddcl/vq': 84,
};
