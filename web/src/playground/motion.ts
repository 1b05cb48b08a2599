// What moves tabs to another place: most of a library, which they can be shown without.
export { domMax } from 'framer-motion'
