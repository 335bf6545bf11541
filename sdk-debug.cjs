'use strict';
/**
 * Turns off what Pulumi's SDK does for its own debugging, because it tells values and costs time.
 *
 * Debug messages: each answer of the engine stands in one as it is, with the values of secrets
 * (@pulumi/pulumi, runtime/resource.js, "RPC finished"); the engine shows them with --debug and
 * keeps them in every --event-log, whichever build it is. It masks what stands in the config;
 * generated values it does not.
 */
require('@pulumi/pulumi/log').debug = () => Promise.resolve();

// The SDK writes down a stack with every promise (runtime/debuggable.js); ten frames each are 5 %
// of an evaluation. One still says where an error comes from.
Error.stackTraceLimit = 1;
