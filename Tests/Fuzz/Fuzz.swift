import CLibFuzzer
import Foundation
import FuzzTargets

/// libFuzzer on one of the readers: `ostr-fuzz TARGET [options and folders of libFuzzer]`. `script/fuzz` builds and
/// starts it.
@main
enum Fuzz {
    nonisolated(unsafe) private static var target = FuzzTarget.control

    static func main() {
        var arguments = CommandLine.arguments
        guard arguments.count > 1, let target = FuzzTarget(rawValue: arguments.remove(at: 1)) else {
            let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
            FileHandle.standardError.write(Data("usage: ostr-fuzz TARGET [options]; targets: \(names)\n".utf8))
            exit(64)
        }
        self.target = target
        var count = Int32(arguments.count)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        exit(
            words.withUnsafeMutableBufferPointer { buffer in
                var start = buffer.baseAddress
                return LLVMFuzzerRunDriver(&count, &start) { bytes, size in
                    Fuzz.target.run([UInt8](UnsafeBufferPointer(start: bytes, count: size)))
                    return 0
                }
            })
    }
}
