'use strict';
/**
 * Takes the SDK's debug messages away: it writes each answer of the engine into them as it is,
 * with the values of secrets (@pulumi/pulumi, runtime/resource.js, "RPC finished"), and the engine
 * shows them with --debug and keeps them in every --event-log, whichever build it is. The engine
 * masks only what stands in the config; generated values do not.
 */
require('@pulumi/pulumi/log').debug = () => Promise.resolve();
