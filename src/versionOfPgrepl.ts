declare const PGREPL_VERSION: string | undefined;

/** Put in by the build; from source it is the development version. */
export const VERSION = typeof PGREPL_VERSION === 'string' ? PGREPL_VERSION : '0.0.0-source';
