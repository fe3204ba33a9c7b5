export {
  type Activation,
  type ActivationFunction,
  activationFunction,
  THEORY_ACTIVATIONS,
  type UserActivation,
} from "./activations.ts";
export { type EdgeOfChaos, edgeOfChaos } from "./edge-of-chaos.ts";
export {
  type ActivationMoments,
  activationMoments,
  backwardGain,
  diagnoseGain,
  forwardGain,
  type GainDiagnosis,
  type Stability,
} from "./gains.ts";
export {
  type CorrelationStep,
  chi1,
  correlationMap,
  type LengthFixedPoint,
  lengthFixedPoint,
  lengthMap,
  lengthSlope,
  type MeanField,
  type MeanFieldModel,
  meanField,
  type Phase,
} from "./mean-field.ts";
export {
  type FiniteWidthLaw,
  finiteWidthLaw,
  type LayerModel,
  type LayerPrediction,
  overflowLayer,
  type PredictOptions,
  predictSignal,
} from "./predict.ts";
