import Protocol
import Testing

struct XXH64Tests {
    @Test(
        "the checksum is that of the reference implementation",
        arguments: [
            ("", 0xEF46_DB37_51D8_E999), ("a", 0xD24E_C4F1_A98C_6E5B), ("abc", 0x44BC_2CF5_AD77_0999),
            ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
        ] as [(String, UInt64)])
    func vectors(text: String, expected: UInt64) {
        #expect(XXH64.hash([UInt8](text.utf8)) == expected)
    }

    @Test("every single flipped bit changes the checksum")
    func flippedBits() {
        for count in [1, 7, 8, 31, 32, 33, 100] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) }
            let expected = XXH64.hash(bytes)
            for bit in 0..<(count * 8) {
                var flipped = bytes
                flipped[bit / 8] ^= 1 << (bit % 8)
                #expect(XXH64.hash(flipped) != expected)
            }
        }
    }
}
