using Kashif.Messaging;
using Kashif.Reporting.Data;

namespace Kashif.Reporting.Reports;

/// <summary>
/// Finds the nearest reports of a point by a best-first search of the cells.
/// <code>
/// 1. A queue has cells by the least distance that a report in them can have, and reports by their distance.
/// 2. If a report is first, it is the next of the answer.
/// 3. Else read the cells that are first. A cell with few reports is replaced by them, one with many by its smaller cells.
/// </code>
/// The search starts close to the point and widens: the rest of the earth is in the queue too. A page begins where the former one ended, because cells that are
/// nearer as a whole are skipped.
/// </summary>
/// <remarks>
/// PostGIS' own search by distance (<c>ORDER BY location &lt;-&gt; point</c>) fails now and then on a <c>geography</c>: "index returned tuples in wrong order" (seen with
/// PostGIS 3.3). It also reads all reports at a crowded point before it returns the first.
/// </remarks>
internal sealed class NearestSearch(ReportingDbContext database, ReportFilter filter, Place centre, double? radiusKm, BoundingBox? box)
{
    /// <summary>How many reports a filtered search reads at most: about 30 ms. A rare category would otherwise read the whole table.</summary>
    public const int Filtered = 20_000;

    /// <summary>How many reports of one of the smallest cells, 8 m wide, a list can reach.</summary>
    public const int Depth = 5_000;

    /// <summary>Where the search widens, in kilometres. Beyond the last one it takes the coarsest cells that have reports.</summary>
    private static readonly double[] Circles = [0.15, 1.2, 10, 70];

    private readonly double _radius = radiusKm is { } radius ? radius * 1000 : double.MaxValue;
    private readonly int _few = filter.IsSelective ? 512 : 64;
    private readonly PriorityQueue<Node, (double Metres, bool IsReport, Guid Id)> _queue = new();
    private int _circle;
    private int _read;

    /// <param name="after">The last distance and id of the previous page.</param>
    /// <returns>Up to <paramref name="count"/> ids, nearest first; among equal distances, by id.</returns>
    public async Task<List<Guid>> FindAsync((double Metres, Guid Id)? after, int count, CancellationToken cancellationToken)
    {
        var (metres, id) = after ?? (-1, Guid.Empty);
        while (_circle < Circles.Length && Circles[_circle] * 1000 < metres)
        {
            _circle++; // all of it was on former pages
        }

        await WidenAsync(_circle == 0 ? -1 : Circles[_circle - 1] * 1000, cancellationToken);
        var found = new List<Guid>(count);
        for (var width = 16; ; width = Math.Min(width * 2, 64))
        {
            while (_queue.TryPeek(out var node, out var key) && node.Cell is null && !node.IsRest)
            {
                _queue.Dequeue();
                found.Add(key.Id);
                if (found.Count == count)
                {
                    return found;
                }
            }

            var most = filter.IsSelective ? Math.Min(width, ((Filtered - _read) / _few) + 1) : width;
            var cells = new List<Node>(width);
            while (cells.Count < Math.Max(most, 1) && _queue.TryPeek(out var node, out _) && node.Cell is not null)
            {
                cells.Add(_queue.Dequeue());
            }

            if (cells.Count == 0)
            {
                if (!_queue.TryDequeue(out var rest, out _))
                {
                    return found;
                }

                await WidenAsync(rest.Beyond, cancellationToken);
            }
            else if (_read < Filtered || !filter.IsSelective)
            {
                await ReadAsync(cells, (metres, id), cancellationToken);
            }
            else
            {
                return found;
            }
        }
    }

    /// <summary>Adds the cells of the next circle, and the rest of the earth.</summary>
    /// <param name="beyond">In metres: what is nearer is in the queue or in the answer already.</param>
    private async Task WidenAsync(double beyond, CancellationToken cancellationToken)
    {
        if (_circle < Circles.Length)
        {
            var circle = new Circle(centre, Circles[_circle++]);
            var metres = circle.RadiusKm * 1000;
            if (metres < _radius)
            {
                _queue.Enqueue(new Node(null, metres, IsRest: true), (metres, false, Guid.Empty));
            }

            // Close to a pole, large circles have too many cells.
            Enqueue(new Areas([circle]).Cover() ?? await PresentCells.FindAsync(database, cancellationToken), beyond, metres);
        }
        else
        {
            Enqueue(await PresentCells.FindAsync(database, cancellationToken), beyond, double.MaxValue);
        }
    }

    /// <param name="upTo">In metres: reports that are farther are read from another cell.</param>
    private void Enqueue(IEnumerable<Cell> cells, double beyond, double upTo)
    {
        foreach (var cell in cells)
        {
            var (least, most) = cell.DistanceFrom(centre);
            if (least <= Math.Min(_radius, upTo) && most > beyond && (box is null || box.MayTouch(cell)))
            {
                _queue.Enqueue(new Node(cell, beyond, UpTo: upTo), (least, false, Guid.Empty));
            }
        }
    }

    private async Task ReadAsync(List<Node> nodes, (double Metres, Guid Id) after, CancellationToken cancellationToken)
    {
        var pending = nodes.FindAll(node => node.Cell is { } cell && cell.DistanceFrom(centre).Most >= after.Metres);
        foreach (var node in await ReadAsync(pending, _few, after, cancellationToken) is { Count: > 0 } smallest ? smallest.Chunk(8) : [])
        {
            await ReadAsync([.. node], Depth, after, cancellationToken);
        }
    }

    /// <returns>The smallest cells that have more reports than <paramref name="limit"/>.</returns>
    private async Task<List<Node>> ReadAsync(List<Node> nodes, int limit, (double Metres, Guid Id) after, CancellationToken cancellationToken)
    {
        if (nodes.Count == 0)
        {
            return [];
        }

        var sql = new SqlParameters();
        var (point, matches) = (centre.Sql(sql), filter.Matches(sql) + (box is null ? "" : $" AND {box.Sql(sql)}"));
        var range = filter.Range(sql);
        var first = sql.Add(filter.From is { } from ? TimeOrderedId.Before(from) : Guid.Empty); // see CellWalk

        // Neither an equation nor a parameter for the limit: see CellWalk.
        var byGrid = nodes.Select((node, index) => (Cell: node.Cell.GetValueOrDefault(), Index: index)).GroupBy(pair => pair.Cell.Grid);
        await using var batch = await database.CreateIndexOrderBatchAsync(cancellationToken);
        batch.BatchCommands.Add(sql.ToCommand(string.Join(" UNION ALL ", byGrid.Select(group => $"""
            SELECT cells.node, oldest.* FROM unnest({sql.Add(group.Select(pair => pair.Cell.Number).ToArray())}, {sql.Add(group.Select(pair => pair.Index).ToArray())})
                AS cells (cell, node), LATERAL (
                SELECT id, ST_Distance(location, {point}, false), {matches} FROM reports WHERE ({group.Key.Column}, id) > (cells.cell, {first}) AND {group.Key.Column} <= cells.cell AND {range} ORDER BY {group.Key.Column}, id LIMIT {limit + 1}) oldest
            """))));
        var reports = nodes.ConvertAll(_ => new List<(Guid Id, double Metres, bool Matches)>());
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                reports[reader.GetInt32(0)].Add((reader.GetGuid(1), reader.GetDouble(2), reader.GetBoolean(3)));
                _read++;
            }
        }

        var smallest = new List<Node>();
        foreach (var (node, inCell) in nodes.Zip(reports))
        {
            if (inCell.Count > limit && limit < Depth && node.Cell is { } cell)
            {
                if (cell.Grid.Finer is null)
                {
                    smallest.Add(node);
                }
                else
                {
                    Enqueue(cell.Children(), node.Beyond, node.UpTo);
                }

                continue;
            }

            foreach (var (id, metres, _) in inCell.Where(report => report.Matches && report.Metres <= _radius && report.Metres > node.Beyond && report.Metres <= node.UpTo))
            {
                if (metres > after.Metres || (metres == after.Metres && id.CompareTo(after.Id) > 0))
                {
                    _queue.Enqueue(new Node(null, 0), (metres, true, id));
                }
            }
        }

        return smallest;
    }

    /// <param name="Cell">Null for a report, and for the rest of the earth.</param>
    /// <param name="Beyond">Only reports that are farther, in metres.</param>
    private sealed record Node(Cell? Cell, double Beyond, double UpTo = double.MaxValue, bool IsRest = false);
}
