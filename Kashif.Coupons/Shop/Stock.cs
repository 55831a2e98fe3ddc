using Kashif.Coupons.Data;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Shop;

/// <summary>Moves the stock of locked products.</summary>
internal static class Stock
{
    extension(CouponsDbContext database)
    {
        /// <summary>
        /// Loads products and locks them until the transaction ends, always in the order of their skus: two orders with the same
        /// products wait for each other instead of deadlocking.
        /// </summary>
        public async Task<Dictionary<string, Product>> LockAsync(string[] skus, CancellationToken cancellationToken)
        {
            var products = await database.Products
                .FromSql($"SELECT * FROM products WHERE sku = ANY({skus}) ORDER BY sku FOR NO KEY UPDATE")
                .ToListAsync(cancellationToken);
            return products.ToDictionary(product => product.Sku);
        }

        /// <summary>Adds a movement and its event to what the next <c>SaveChanges</c> writes.</summary>
        /// <inheritdoc cref="Product.Move"/>
        public void Move(Product product, MovementKind kind, int quantity, DateTimeOffset now, Guid? orderId = null, Guid? actorId = null, string? reason = null)
        {
            database.ProductMovements.Add(product.Move(kind, quantity, now, orderId, actorId, reason));
            database.Publish(product.ToInventory(), now);
        }
    }
}
