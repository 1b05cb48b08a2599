// The elements that tabs are, by the name of those that would bring all that moves them along, see motion.ts.
export { m as motion } from 'framer-motion'
