/// The standard normal distribution by 65,536 equally probable values: a draw of 16 bits names one of them.
enum NormalQuantiles {
    /// Φ⁻¹((i + ½) / 65,536), rising.
    static let table: [Float] = (0..<65_536).map { Float(quantile((Double($0) + 0.5) / 65_536)) }

    /// Φ⁻¹(p) for p in (0, 1) to seven digits: Wichura, *Algorithm AS 241: The Percentage Points of the Normal
    /// Distribution*, Applied Statistics 37 (1988), the routine PPND7.
    static func quantile(_ p: Double) -> Double {
        let q = p - 0.5
        if abs(q) <= 0.425 {
            let r = 0.180625 - q * q
            return q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)
                / (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1)
        }
        var r = (-Elementary.log(q < 0 ? p : 1 - p)).squareRoot()
        let size: Double
        if r <= 5 {
            r -= 1.6
            size =
                (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777)
                / ((0.12021132975 * r + 0.73700164250) * r + 1)
        } else {
            r -= 5
            size =
                (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150)
                / ((0.012258202635 * r + 0.24197894225) * r + 1)
        }
        return q < 0 ? -size : size
    }
}
