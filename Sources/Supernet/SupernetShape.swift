/// What determines every tensor shape of a supernet.
public struct SupernetShape: Codable, Sendable, Hashable {
    /// The search space's name, for example `nasbench201`; `SearchSpace.of` gives the space.
    public var space: String
    /// What the search space is, where it is not built in.
    public var definition: SpaceDefinition?
    /// Channels of the first stage, C.
    public var channels: Int
    /// Cells per stage (NAS-Bench-201) or in all (DARTS).
    public var cells: Int
    /// Logits of an image.
    public var classes: Int
    /// 3 for colour, 1 for grey.
    public var inputChannels: Int
    /// Height and width of the images that enter the network, in pixels.
    public var imageSize: Int

    /// All fields.
    public init(
        space: String, definition: SpaceDefinition? = nil, channels: Int, cells: Int, classes: Int, inputChannels: Int,
        imageSize: Int
    ) {
        self.space = space
        self.definition = definition
        self.channels = channels
        self.cells = cells
        self.classes = classes
        self.inputChannels = inputChannels
        self.imageSize = imageSize
    }
}

extension SupernetShape {
    /// - Throws: `SupernetError.shape` for the first size that is out of its range.
    func checkSizes(shardImages: Int) throws(SupernetError) {
        for (value, name, range) in [
            (channels, "channels", 1...4096), (cells, "cells", 1...1000), (classes, "classes", 1...256),
            (inputChannels, "input channels", 1...64), (imageSize, "image size", 4...1024),
            (shardImages, "images of a shard", 1...65536),
        ] where !range.contains(value) {
            throw .shape("\(name): \(value) is impossible, allowed are \(range.lowerBound) to \(range.upperBound)")
        }
    }
}
