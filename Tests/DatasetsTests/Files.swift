import CZlib
import Datasets
import Foundation

/// 200 records of CIFAR-10: 120 in `data_batch_1.bin`, 80 in `data_batch_3.bin`.
let cifarFixture = (Bundle.module.resourcePath ?? "") + "/Fixtures/cifar10"

/// An IDX file of bytes.
func idx(magic: Int = 0x803, _ dimensions: [Int], _ data: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    for number in [magic] + dimensions {
        for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
    return bytes + data
}

/// 28×28 images in which pixel (y, x) of image i is 1 + (7i + 3y + x) mod 255.
func digits(_ count: Int) -> [UInt8] {
    var pixels: [UInt8] = []
    for image in 0..<count {
        for y in 0..<28 {
            for x in 0..<28 {
                let value: Int = 7 * image + 3 * y + x
                pixels.append(UInt8(1 + value % 255))
            }
        }
    }
    return pixels
}

/// Compressed data with gzip's header and trailer.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
    let written = input.withUnsafeMutableBufferPointer { input in
        output.withUnsafeMutableBufferPointer { output in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(input.count)
            stream.next_out = output.baseAddress
            stream.avail_out = UInt32(output.count)
            deflate(&stream, Z_FINISH)
            return output.count - Int(stream.avail_out)
        }
    }
    return Array(output.prefix(written))
}

/// The text of the error that loading gives, or nil when it gives none.
func loadingError(
    _ kind: DatasetKind, _ folder: String, split: ImageDataset.Split = .training, limit: Int? = nil
) -> String? {
    do {
        _ = try ImageDataset.load(kind: kind, folder: folder, split: split, limit: limit)
        return nil
    } catch {
        return error.description
    }
}
