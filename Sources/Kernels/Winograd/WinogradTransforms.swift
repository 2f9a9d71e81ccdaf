/// The one-dimensional transforms of Winograd's F(4, 3) with the points 0, 1, −1, 2, −2, ∞ (Lavin and Gray, *Fast
/// Algorithms for Convolutional Neural Networks*, arXiv 1509.09308), lane by lane. A two-dimensional transform is one
/// along the columns, then one along the rows.
enum F4 {
    /// What a transform to six has as its results.
    typealias Six = (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes)

    @inline(__always)
    static func store(_ six: Six, at target: UnsafeMutablePointer<Lanes>, every pitch: Int) {
        (target[0], target[pitch], target[2 * pitch]) = (six.0, six.1, six.2)
        (target[3 * pitch], target[4 * pitch], target[5 * pitch]) = (six.3, six.4, six.5)
    }

    /// Bᵀ d: six inputs.
    @inline(__always)
    static func input(
        _ d0: Lanes, _ d1: Lanes, _ d2: Lanes, _ d3: Lanes, _ d4: Lanes, _ d5: Lanes
    ) -> Six {
        let four = Lanes(repeating: 4)
        let two = Lanes(repeating: 2)
        let minusFour = Lanes(repeating: -4)
        let minusFive = Lanes(repeating: -5)
        let even = d4.addingProduct(minusFour, d2)
        let odd = d3.addingProduct(minusFour, d1)
        let outer = d4 - d2
        let inner = d3 - d1
        return (
            d4.addingProduct(minusFive, d2).addingProduct(four, d0),
            even + odd,
            even - odd,
            outer.addingProduct(two, inner),
            outer.addingProduct(two, -inner),
            d5.addingProduct(minusFive, d3).addingProduct(four, d1)
        )
    }

    /// Aᵀ m: four outputs of six products.
    @inline(__always)
    static func output(
        _ m0: Lanes, _ m1: Lanes, _ m2: Lanes, _ m3: Lanes, _ m4: Lanes, _ m5: Lanes
    ) -> (Lanes, Lanes, Lanes, Lanes) {
        let sum1 = m1 + m2
        let difference1 = m1 - m2
        let sum2 = m3 + m4
        let difference2 = m3 - m4
        return (
            m0 + sum1 + sum2,
            difference1.addingProduct(Lanes(repeating: 2), difference2),
            sum1.addingProduct(Lanes(repeating: 4), sum2),
            (m5 + difference1).addingProduct(Lanes(repeating: 8), difference2)
        )
    }

    /// A d: four gradients of outputs, to six.
    @inline(__always)
    static func gradient(
        _ d0: Lanes, _ d1: Lanes, _ d2: Lanes, _ d3: Lanes
    ) -> Six {
        let even = d0 + d2
        let odd = d1 + d3
        let even4 = d0.addingProduct(Lanes(repeating: 4), d2)
        let odd4 = (d1 + d1).addingProduct(Lanes(repeating: 8), d3)
        return (d0, even + odd, even - odd, even4 + odd4, even4 - odd4, d3)
    }

    /// B m: what `input` maps six inputs to, back to their gradients.
    @inline(__always)
    static func inputGradient(
        _ m0: Lanes, _ m1: Lanes, _ m2: Lanes, _ m3: Lanes, _ m4: Lanes, _ m5: Lanes
    ) -> Six {
        let sum1 = m1 + m2
        let difference1 = m1 - m2
        let sum2 = m3 + m4
        let difference2 = m3 - m4
        let four = Lanes(repeating: 4)
        let minusFive = Lanes(repeating: -5)
        return (
            four * m0,
            (four * (m5 - difference1)).addingProduct(Lanes(repeating: -2), difference2),
            (-sum2).addingProduct(Lanes(repeating: -4), sum1).addingProduct(minusFive, m0),
            difference1.addingProduct(Lanes(repeating: 2), difference2).addingProduct(minusFive, m5),
            m0 + sum1 + sum2,
            m5
        )
    }

    /// G g: three taps of a kernel.
    @inline(__always)
    static func kernel(_ g0: Lanes, _ g1: Lanes, _ g2: Lanes) -> Six {
        let outer = g0 + g2
        let wide = g0.addingProduct(Lanes(repeating: 4), g2)
        let sixth = Lanes(repeating: -1 / 6)
        let twentyFourth = Lanes(repeating: 1 / 24)
        let twice = g1 + g1
        return (
            g0 * Lanes(repeating: 0.25),
            (outer + g1) * sixth,
            (outer - g1) * sixth,
            (wide + twice) * twentyFourth,
            (wide - twice) * twentyFourth,
            g2
        )
    }

    /// Gᵀ m: the three taps of a kernel's gradient.
    @inline(__always)
    static func kernelGradient(
        _ m0: Lanes, _ m1: Lanes, _ m2: Lanes, _ m3: Lanes, _ m4: Lanes, _ m5: Lanes
    ) -> (Lanes, Lanes, Lanes) {
        let sixth = Lanes(repeating: -1 / 6)
        let twelfth = Lanes(repeating: 1 / 12)
        let sum1 = (m1 + m2) * sixth
        let sum2 = m3 + m4
        return (
            (sum1 + Lanes(repeating: 1 / 24) * sum2).addingProduct(Lanes(repeating: 0.25), m0),
            ((m1 - m2) * sixth).addingProduct(twelfth, m3 - m4),
            (sum1 + m5).addingProduct(Lanes(repeating: 1 / 6), sum2)
        )
    }
}
