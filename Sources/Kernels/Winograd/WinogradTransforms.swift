/// The one-dimensional transforms of Winograd's F(4, 3) with the points 0, 1, −1, 2, −2, ∞ (Lavin and Gray, *Fast
/// Algorithms for Convolutional Neural Networks*, arXiv 1509.09308), lane by lane. A two-dimensional transform is one
/// along the columns, then one along the rows.
enum F4 {
    /// What a transform to six has as its results.
    typealias Six<V: ChannelVector> = (V, V, V, V, V, V)

    /// - Parameter pitch: in `Lanes`, whatever V is.
    @inline(__always)
    static func store<V: ChannelVector>(_ six: Six<V>, at target: UnsafeMutablePointer<Lanes>, every pitch: Int) {
        six.0.store(0, of: target)
        six.1.store(0, of: target + pitch)
        six.2.store(0, of: target + 2 * pitch)
        six.3.store(0, of: target + 3 * pitch)
        six.4.store(0, of: target + 4 * pitch)
        six.5.store(0, of: target + 5 * pitch)
    }

    /// Six vectors for a transform.
    @inline(__always)
    static func load<V: ChannelVector>(_: V.Type, at source: UnsafePointer<Lanes>, every pitch: Int) -> Six<V> {
        (
            V(source, 0), V(source + pitch, 0), V(source + 2 * pitch, 0), V(source + 3 * pitch, 0),
            V(source + 4 * pitch, 0), V(source + 5 * pitch, 0)
        )
    }

    /// Bᵀ d: six inputs.
    @inline(__always)
    static func input<V: ChannelVector>(_ d: Six<V>) -> Six<V> {
        let four = V(repeating: 4)
        let two = V(repeating: 2)
        let minusFour = V(repeating: -4)
        let minusFive = V(repeating: -5)
        let even = d.4.addingProduct(minusFour, d.2)
        let odd = d.3.addingProduct(minusFour, d.1)
        let outer = d.4 - d.2
        let inner = d.3 - d.1
        return (
            d.4.addingProduct(minusFive, d.2).addingProduct(four, d.0),
            even + odd,
            even - odd,
            outer.addingProduct(two, inner),
            outer.addingProduct(two, -inner),
            d.5.addingProduct(minusFive, d.3).addingProduct(four, d.1)
        )
    }

    /// Aᵀ m: four outputs of six products.
    @inline(__always)
    static func output<V: ChannelVector>(_ m: Six<V>) -> (V, V, V, V) {
        let sum1 = m.1 + m.2
        let difference1 = m.1 - m.2
        let sum2 = m.3 + m.4
        let difference2 = m.3 - m.4
        return (
            m.0 + sum1 + sum2,
            difference1.addingProduct(V(repeating: 2), difference2),
            sum1.addingProduct(V(repeating: 4), sum2),
            (m.5 + difference1).addingProduct(V(repeating: 8), difference2)
        )
    }

    /// A d: four gradients of outputs, to six.
    @inline(__always)
    static func gradient<V: ChannelVector>(_ d0: V, _ d1: V, _ d2: V, _ d3: V) -> Six<V> {
        let even = d0 + d2
        let odd = d1 + d3
        let even4 = d0.addingProduct(V(repeating: 4), d2)
        let odd4 = (d1 + d1).addingProduct(V(repeating: 8), d3)
        return (d0, even + odd, even - odd, even4 + odd4, even4 - odd4, d3)
    }

    /// B m: what `input` maps six inputs to, back to their gradients.
    @inline(__always)
    static func inputGradient<V: ChannelVector>(_ m: Six<V>) -> Six<V> {
        let sum1 = m.1 + m.2
        let difference1 = m.1 - m.2
        let sum2 = m.3 + m.4
        let difference2 = m.3 - m.4
        let four = V(repeating: 4)
        let minusFive = V(repeating: -5)
        return (
            four * m.0,
            (four * (m.5 - difference1)).addingProduct(V(repeating: -2), difference2),
            (-sum2).addingProduct(V(repeating: -4), sum1).addingProduct(minusFive, m.0),
            difference1.addingProduct(V(repeating: 2), difference2).addingProduct(minusFive, m.5),
            m.0 + sum1 + sum2,
            m.5
        )
    }

    /// G g: three taps of a kernel.
    @inline(__always)
    static func kernel(_ g0: Lanes, _ g1: Lanes, _ g2: Lanes) -> Six<Lanes> {
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
