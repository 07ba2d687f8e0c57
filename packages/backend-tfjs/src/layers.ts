export { ddclLayers, type DdclLayers, type LayerOptions } from './layers/ddcl-layers.ts';
export type { DdclLayer } from './layers/ddcl-layer.ts';
export type { DDCLReadoutClass, DDCLReadoutLayer } from './layers/readout-layer.ts';
export type { ReadoutLayerOptions } from './layers/readout-config.ts';
export type { DDCLQuantizerClass, DDCLQuantizerLayer } from './layers/quantizer-layer.ts';
export type { QuantizerLayerOptions, QuantizerOutput, QuantizerSpecOptions } from './layers/quantizer-config.ts';
export type { StepReports } from './layers/watch.ts';
export type { ReportName } from './layers/reports.ts';
export type { TfjsLayers, TfLayer } from './layers/tf-layers.ts';
export type { Tfjs } from './tfjs.ts';
export {
  ddclCertificate,
  type Certificate,
  type CertificateOptions,
  type CertificateRecord,
  type TfjsVis,
} from './layers/certificate.ts';
