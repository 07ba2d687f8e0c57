import { DdclError } from '@ddcl/core';
import type { OrtRuntime } from '@ddcl/backend-ort';

/**
 * The module `onnxruntime-node`, which users install beside this package if they want it: it takes 100 MB.
 * @throws DdclError `unsupported` if it is not installed or cannot be loaded, with the remedy
 */
export async function loadOrt(): Promise<OrtRuntime> {
  // Its build for Linux has telemetry, which writes files to the temporary folder; a command line tool sends nothing unasked.
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
  try {
    return (await import('onnxruntime-node')) as unknown as OrtRuntime;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    throw new DdclError(
      'unsupported',
      missing
        ? 'onnxruntime-node is not installed: npm install onnxruntime-node (behind a firewall with ONNXRUNTIME_NODE_INSTALL_CUDA=skip before it).'
        : `onnxruntime-node cannot be loaded: ${message.split('\n')[0]}. Install it again for this platform and Node ${process.version}.`,
      { cause },
    );
  }
}
