#if OSTR_PORTABLE
    // A processor without fused multiply-adds would be asked for one lane at a time, by a function of the C library. These
    // take precedence over the standard library's, and give the same bits.

    extension SIMD8<Float> {
        /// self + a × b, rounded once.
        @inline(__always)
        func addingProduct(_ a: Self, _ b: Self) -> Self {
            let product = SIMD8<Double>(a) * SIMD8<Double>(b)
            return Self(roundedToOdd(product, plus: SIMD8<Double>(self)))
        }

        /// Adds a × b; the sum is rounded once.
        @inline(__always)
        mutating func addProduct(_ a: Self, _ b: Self) {
            self = addingProduct(a, b)
        }
    }

    extension SIMD16<Float> {
        /// self + a × b, rounded once.
        @inline(__always)
        func addingProduct(_ a: Self, _ b: Self) -> Self {
            Self(
                lowHalf: lowHalf.addingProduct(a.lowHalf, b.lowHalf),
                highHalf: highHalf.addingProduct(a.highHalf, b.highHalf))
        }

        /// Adds a × b; the sum is rounded once.
        @inline(__always)
        mutating func addProduct(_ a: Self, _ b: Self) {
            self = addingProduct(a, b)
        }
    }

    /// product + addend rounded to odd: what is not a `Double` becomes the one of its two neighbours whose last bit is set.
    ///
    /// A product of two `Float`s is exact in `Double`. Since `Double` has more than two bits more than `Float`, rounding a sum
    /// to odd and then to `Float` is rounding it once: no value that was between two `Float`s' midpoint and its neighbour
    /// comes to lie on the midpoint (Boldo and Melquiond, *Emulation of a FMA and correctly rounded sums*, 2008).
    @inline(__always)
    private func roundedToOdd(_ product: SIMD8<Double>, plus addend: SIMD8<Double>) -> SIMD8<Double> {
        let sum = product + addend
        // Knuth's: sum + error is exact. The error of an infinite sum is not a number.
        let part = sum - product
        let error = (product - (sum - part)) + (addend - part)
        let bits = unsafeBitCast(sum, to: SIMD8<UInt64>.self)
        let errorBits = unsafeBitCast(error, to: SIMD8<UInt64>.self)
        let isInexact = unsafeBitCast(errorBits & (.max >> 1), to: SIMD8<Double>.self) .> 0
        let inexact = SIMD8<UInt64>.zero.replacing(with: 1, where: isInexact)
        // A sum that was rounded away from zero goes one back; then what is cut off becomes the last bit.
        let away = ((bits ^ errorBits) &>> 63) & inexact
        return unsafeBitCast((bits &- away) | inexact, to: SIMD8<Double>.self)
    }
#endif
